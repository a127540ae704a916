/// The largest counts of one metric and scope at their home: some candidates with all their counts over time, and a
/// floor for every other key (rule F4). It answers from memory while the candidates stand above the floor, and asks to
/// be refilled from the stored counts when they have sunk to it. Pure.
///
/// **Why an answer is exact.** One invariant holds from a `refill` on: *each key is a candidate whose counts are those
/// of its last `update`, or it is covered by `floor`: in no window, now or later, does it stand before the floor's
/// rank there, unless it is updated.*
///
/// - A key that is updated comes with all its counts. It becomes a candidate, or is covered with these counts, be they
///   more or fewer than before. What covered it earlier stays, which can only make the floor higher than need be.
/// - A candidate is dropped only by covering it. `remove` takes a key away that has no counts any more; that makes no
///   statement about another key wrong.
/// - Time alone changes a candidate's counts, which are computed anew for each answer, and never makes a covered key
///   rise above the floor's rank at that time (see `TopFloor`). For this, time must not run backwards: see `advance`.
///
/// An answer holds candidates that stand at or before the floor's rank, all that do or the first `k` of them. Any other
/// key is a candidate that stands after them, or covered, and so after the floor's rank: one that stood at it would be
/// the very key that the rank names, which is then no candidate. Hence nobody is missing, and the order is right.
///
/// **How often it is refilled.** A refill and each trim leave at least a fifth of the capacity above the floor in every
/// window (where so many keys count anything). After that, only candidates that sink to the floor bring the next
/// refill nearer: because old buckets leave their window, because they are removed, or because likes are withdrawn.
struct TopTable<Key: Hashable & Comparable & Sendable>: Sendable {
    static var defaultCapacity: Int { 512 }

    /// As many as any list shows. A question for more is answered from all rows, each time.
    static var mostKept: Int { 1000 }

    /// What lets a table answer for `k` in every window, and still do so when a fifth of that has sunk to the floor.
    static func capacity(answering k: Int) -> Int { max(defaultCapacity, 6 * min(k, mostKept)) }

    /// A clock that is set back by less than this is waited for. If by more, the table starts anew.
    static var clockSlackMs: UInt64 { 60_000 }

    /// What a trim leaves; the candidates are at most twice as many.
    let capacity: Int
    private var candidates: [Key: WindowedCount] = [:] {
        didSet { rankings = [:] }
    }
    /// As they are until a candidate changes or the window moves on: questions come more often than either.
    private var rankings: [TopWindow: (firstBucket: UInt32, ranking: [Ranked<Key>])] = [:]
    /// Nil until a refill: nothing is known of other keys.
    private var floor: TopFloor<Key>?
    private var latestMs: UInt64 = 0

    /// A table that must be refilled before it can answer.
    init(capacity: Int = Self.defaultCapacity) {
        precondition(capacity > 0, "a table without room has no largest")
        self.capacity = capacity
    }

    var candidateCount: Int { candidates.count }

    /// The key has these counts now. Costs a look at the key's buckets, and O(log capacity) for the trims.
    mutating func update(_ key: Key, _ counts: WindowedCount, nowMs: UInt64) {
        advance(to: nowMs)
        place(key, counts)
    }

    /// The key counts nothing any more, and the stored counts do not hold it: a tweet that was deleted.
    mutating func remove(_ key: Key) { candidates[key] = nil }

    /// The first `k` in the window, exactly; nil when only a refill can tell.
    mutating func top(_ k: Int, in window: TopWindow, nowMs: UInt64) -> Top<Key>? {
        advance(to: nowMs)
        guard let floor else { return nil }
        let next = floor.rank(in: window, nowMs: latestMs)
        let sure = keptRanking(in: window).prefix { candidate in next.map { candidate <= $0 } ?? true }
        guard sure.count >= k || next == nil else { return nil }
        let entries = sure.prefix(max(0, k))
        return Top(entries: Array(entries), next: entries.count < sure.count ? sure[entries.count] : next)
    }

    /// Starts anew from the stored counts of all keys, each once, as of now: what was updated before is in them.
    mutating func refill(from rows: some Sequence<(Key, WindowedCount)>, nowMs: UInt64) {
        startAnew(nowMs: nowMs)
        for (key, counts) in rows { place(key, counts) }
    }

    /// Starts anew, and answers on the way: any `k` is possible, even more than the table can hold.
    mutating func refill(
        from rows: some Sequence<(Key, WindowedCount)>, answering k: Int, in window: TopWindow, nowMs: UInt64
    ) -> Top<Key> {
        startAnew(nowMs: nowMs)
        var selection = TopSelection<Key>(k)
        for (key, counts) in rows {
            place(key, counts)
            selection.offer(key, counts.count(in: window, nowMs: nowMs))
        }
        return selection.top()
    }
}

extension TopTable {
    /// Time stands still while the clock is behind: no window may reach back to buckets that it had left, as the floor
    /// does not know them any more. A clock that was wrong by much must not stop the windows for as long.
    private mutating func advance(to nowMs: UInt64) {
        if nowMs + Self.clockSlackMs < latestMs {
            candidates = [:]
            floor = nil
            latestMs = nowMs
        } else {
            latestMs = max(latestMs, nowMs)
        }
    }

    private mutating func startAnew(nowMs: UInt64) {
        candidates = [:]
        floor = TopFloor()
        latestMs = nowMs
    }

    private mutating func place(_ key: Key, _ counts: WindowedCount) {
        guard floor != nil else { return }
        if candidates[key] != nil || isAboveFloor(key, counts) {
            candidates[key] = counts
            if candidates.count > 2 * capacity { trim() }
        } else {
            floor?.cover(key, counts)
        }
    }

    private func isAboveFloor(_ key: Key, _ counts: WindowedCount) -> Bool {
        TopWindow.allCases.contains { window in
            let count = counts.count(in: window, nowMs: latestMs)
            guard count > 0, let rank = floor?.rank(in: window, nowMs: latestMs) else { return count > 0 }
            return Ranked(count: count, key: key) < rank
        }
    }

    private mutating func trim() {
        let best = best(capacity)
        floor?.prune(nowMs: latestMs)
        for (key, counts) in candidates where !best.contains(key) { floor?.cover(key, counts) }
        candidates = candidates.filter { best.contains($0.key) }
        let nowMs = latestMs
        for key in best { candidates[key]?.prune(nowMs: nowMs) }
    }

    /// The first of every window, then the second of every window and so on, until there are so many.
    private func best(_ count: Int) -> Set<Key> {
        let rankings = TopWindow.allCases.map(ranking)
        var best: Set<Key> = []
        for place in 0..<(rankings.map(\.count).max() ?? 0) {
            for ranking in rankings where place < ranking.count {
                best.insert(ranking[place].key)
                if best.count == count { return best }
            }
        }
        return best
    }

    private mutating func keptRanking(in window: TopWindow) -> [Ranked<Key>] {
        let firstBucket = window.firstBucket(nowMs: latestMs)
        if let kept = rankings[window], kept.firstBucket == firstBucket { return kept.ranking }
        let ranking = ranking(in: window)
        rankings[window] = (firstBucket, ranking)
        return ranking
    }

    /// All candidates that count anything in the window, in order.
    private func ranking(in window: TopWindow) -> [Ranked<Key>] {
        var ranking: [Ranked<Key>] = []
        for (key, counts) in candidates {
            let count = counts.count(in: window, nowMs: latestMs)
            if count > 0 { ranking.append(Ranked(count: count, key: key)) }
        }
        ranking.sort()
        return ranking
    }
}
