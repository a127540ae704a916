/// What a set of keys may still count at most, in every window, now and at any later time, though the keys themselves
/// are forgotten.
///
/// While nothing is added to a key, its count in a window changes only because old buckets leave. From its buckets
/// b₁ < … < bₙ, at a time when the window's first bucket is s, it counts the sum from the first bᵢ ≥ s on. So it is
/// enough to remember "until the window begins after bᵢ, some key ranks as high as this", for each of them, and of
/// those statements only the ones that no other implies. This holds for negative buckets, too, whose leaving raises a
/// count.
struct TopFloor<Key: Comparable & Sendable>: Sendable {
    private var total: Ranked<Key>?
    private var minutes = Steps()
    private var hours = Steps()

    /// Forgets a key with these counts, but not how high it may stand.
    mutating func cover(_ key: Key, _ counts: WindowedCount) {
        if counts.total > 0 {
            let rank = Ranked(count: counts.total, key: key)
            total = total.map { min($0, rank) } ?? rank
        }
        minutes.cover(key, counts.minutes)
        hours.cover(key, counts.hours)
    }

    /// The rank above which no covered key stands; nil when none of them counts anything.
    func rank(in window: TopWindow, nowMs: UInt64) -> Ranked<Key>? {
        switch window.unit {
        case .minute: minutes.rank(from: window.firstBucket(nowMs: nowMs))
        case .hour: hours.rank(from: window.firstBucket(nowMs: nowMs))
        case nil: total
        }
    }

    /// Forgets what no window reaches any more.
    mutating func prune(nowMs: UInt64) {
        minutes.drop(before: TopWindow.hour.firstBucket(nowMs: nowMs))
        hours.drop(before: TopWindow.week.firstBucket(nowMs: nowMs))
    }
}

extension TopFloor {
    /// A stair that leads down with time: each step holds until a window begins after its bucket, and the next one is
    /// lower. It has at most as many steps as there are buckets in the longest window.
    private struct Steps: Sendable {
        struct Step: Sendable {
            var bucket: UInt32
            var rank: Ranked<Key>
        }

        private var steps: [Step] = []

        mutating func cover(_ key: Key, _ counts: BucketCounts) {
            var (sum, highest) = (Int64(0), Int64(0))
            for index in counts.buckets.indices.reversed() {
                sum += counts.deltas[index]
                guard sum > highest else { continue }
                highest = sum
                raise(to: Ranked(count: sum, key: key), until: counts.buckets[index])
            }
        }

        func rank(from bucket: UInt32) -> Ranked<Key>? {
            let index = firstIndex(from: bucket)
            return index < steps.count ? steps[index].rank : nil
        }

        mutating func drop(before bucket: UInt32) { steps.removeSubrange(..<firstIndex(from: bucket)) }

        private mutating func raise(to rank: Ranked<Key>, until bucket: UInt32) {
            let after = firstIndex(from: bucket)
            if after < steps.count, steps[after].rank <= rank { return }
            let end = after < steps.count && steps[after].bucket == bucket ? after + 1 : after
            let start = steps[..<after].lastIndex { $0.rank < rank }.map { $0 + 1 } ?? 0
            steps.replaceSubrange(start..<end, with: [Step(bucket: bucket, rank: rank)])
        }

        private func firstIndex(from bucket: UInt32) -> Int {
            var (low, high) = (0, steps.count)
            while low < high {
                let middle = (low + high) / 2
                if steps[middle].bucket < bucket { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }
}
