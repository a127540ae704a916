/// The first `k` of a list that is too long to be sorted: O(k) memory, O(log k) for each offer at worst.
struct TopSelection<Key: Comparable & Sendable>: Sendable {
    private let k: Int
    private var kept: [Ranked<Key>] = []
    /// Whatever stands at or after this one was offered in vain.
    private var last: Ranked<Key>?

    init(_ k: Int) {
        // One more, to know who stands next.
        self.k = max(0, k) + 1
    }

    /// Each key once. Counts of 0 and less are never shown.
    mutating func offer(_ key: Key, _ count: Int64) {
        let offered = Ranked(count: count, key: key)
        guard count > 0, last.map({ offered < $0 }) ?? true else { return }
        kept.append(offered)
        if kept.count >= 2 * k { shorten() }
    }

    func top() -> Top<Key> {
        let sorted = kept.sorted()
        return Top(entries: Array(sorted.prefix(k - 1)), next: sorted.count >= k ? sorted[k - 1] : nil)
    }

    private mutating func shorten() {
        kept.sort()
        kept.removeSubrange(k...)
        last = kept.last
    }
}

/// The beginning of a list of the largest counts.
struct Top<Key: Comparable & Sendable>: Sendable, Equatable {
    /// Largest first, equal counts by ascending key; never counts of 0 or less.
    var entries: [Ranked<Key>]
    /// No other key stands before this; nil when no other key counts anything. It is a bound: there may be no such key.
    var next: Ranked<Key>?
}
