/// Counts by bucket of time, sorted and sparse: a bucket whose events cancel out is not there.
struct BucketCounts: Equatable, Sendable {
    /// Since 1970, ascending.
    private(set) var buckets: [UInt32] = []
    /// Of the bucket at the same place; never 0.
    private(set) var deltas: [Int64] = []

    var isEmpty: Bool { buckets.isEmpty }

    init() {}

    /// From what was stored; nil when that is no such pair of lists.
    init?(buckets: [UInt32], deltas: [Int64]) {
        guard buckets.count == deltas.count, zip(buckets, buckets.dropFirst()).allSatisfy({ $0 < $1 }) else {
            return nil
        }
        self.buckets = buckets
        self.deltas = deltas
        if deltas.contains(0) { self = Self() + self }
    }

    mutating func add(_ delta: Int64, to bucket: UInt32) {
        guard delta != 0 else { return }
        let index = firstIndex(from: bucket)
        guard index < buckets.count, buckets[index] == bucket else {
            buckets.insert(bucket, at: index)
            deltas.insert(delta, at: index)
            return
        }
        deltas[index] += delta
        guard deltas[index] == 0 else { return }
        buckets.remove(at: index)
        deltas.remove(at: index)
    }

    /// Of that bucket and all later ones.
    func sum(from bucket: UInt32) -> Int64 {
        // From the newest backwards: windows are short, and what they do not reach need not be looked at.
        var (sum, index) = (Int64(0), buckets.count)
        while index > 0, buckets[index - 1] >= bucket {
            index -= 1
            sum += deltas[index]
        }
        return sum
    }

    /// Forgets what is older than that bucket.
    mutating func drop(before bucket: UInt32) {
        let old = firstIndex(from: bucket)
        guard old > 0 else { return }
        buckets.removeSubrange(..<old)
        deltas.removeSubrange(..<old)
    }

    static func + (a: Self, b: Self) -> Self { combined(a, b, sign: 1) }

    static func - (a: Self, b: Self) -> Self { combined(a, b, sign: -1) }

    private static func combined(_ a: Self, _ b: Self, sign: Int64) -> Self {
        var result = Self()
        var (i, j) = (0, 0)
        while i < a.buckets.count || j < b.buckets.count {
            let next = min(i < a.buckets.count ? a.buckets[i] : .max, j < b.buckets.count ? b.buckets[j] : .max)
            var delta: Int64 = 0
            if i < a.buckets.count, a.buckets[i] == next { (delta, i) = (a.deltas[i], i + 1) }
            if j < b.buckets.count, b.buckets[j] == next { (delta, j) = (delta + sign * b.deltas[j], j + 1) }
            if delta != 0 {
                result.buckets.append(next)
                result.deltas.append(delta)
            }
        }
        return result
    }

    /// Of the first bucket that is not older. What is counted is mostly new: the last places are tried first.
    private func firstIndex(from bucket: UInt32) -> Int {
        guard let last = buckets.last, last >= bucket else { return buckets.count }
        var (low, high) = (0, buckets.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle] < bucket { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
