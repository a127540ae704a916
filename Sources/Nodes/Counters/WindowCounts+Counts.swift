import Messages
import Storage

extension WindowedCount {
    /// - Throws: `StorageError.corrupt` when the lists are none that were ever written.
    init(_ message: WindowCounts) throws {
        guard let minutes = BucketCounts(buckets: message.minutes, deltas: message.minuteCounts),
            let hours = BucketCounts(buckets: message.hours, deltas: message.hourCounts)
        else { throw StorageError.corrupt("counts over time whose buckets do not ascend") }
        self.init(total: message.total, minutes: minutes, hours: hours)
    }

    /// Without a total: stored buckets of one count.
    init(_ stored: [CountBuckets.Stored]) throws {
        self.init(minutes: try Self.buckets(.minute, stored), hours: try Self.buckets(.hour, stored))
    }

    private static func buckets(_ span: CountBuckets.Span, _ stored: [CountBuckets.Stored]) throws -> BucketCounts {
        let mine = stored.filter { $0.span == span }
        guard let counts = BucketCounts(buckets: mine.map(\.bucket), deltas: mine.map(\.count)) else {
            throw StorageError.corrupt("stored buckets that do not ascend")
        }
        return counts
    }
}

extension WindowCounts {
    init(_ count: WindowedCount, metric: UInt32 = 0) {
        self.init()
        self.metric = metric
        total = count.total
        minutes = count.minutes.buckets
        minuteCounts = count.minutes.deltas
        hours = count.hours.buckets
        hourCounts = count.hours.deltas
    }
}

extension [WindowCounts] {
    /// Buckets whose suffix is one byte of a metric, by metric.
    init(_ stored: [CountBuckets.Stored]) throws {
        let byMetric = Dictionary(grouping: stored) { $0.suffix.first ?? 0 }
        self = try byMetric.sorted { $0.key < $1.key }.map {
            WindowCounts(try WindowedCount($1), metric: UInt32($0))
        }
    }

    /// Both counted together, metric by metric.
    static func sum(_ a: [WindowCounts], _ b: [WindowCounts]) throws -> [WindowCounts] {
        if a.isEmpty { return b }
        var sums: [UInt32: WindowedCount] = [:]
        for counts in a + b { sums[counts.metric, default: WindowedCount()].merge(try WindowedCount(counts)) }
        return sums.sorted { $0.key < $1.key }.map { WindowCounts($1, metric: $0) }
    }
}
