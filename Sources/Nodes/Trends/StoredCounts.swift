import Cluster
import Messages
import Storage

/// A tweet's counts over time, by metric.
struct TweetWindows {
    private var counts: [TweetMetric: WindowedCount] = [:]

    /// - Parameter windows: without totals, which `sums` holds.
    init(_ sums: Sums = Sums(), _ windows: [WindowCounts] = []) throws {
        for metric in TweetMetric.allCases where sums[metric] != 0 {
            counts[metric] = WindowedCount(total: sums[metric])
        }
        for window in windows {
            guard let metric = UInt8(exactly: window.metric).flatMap(TweetMetric.init(rawValue:)) else { continue }
            counts[metric, default: WindowedCount()].merge(try WindowedCount(window))
        }
    }

    subscript(metric: TweetMetric) -> WindowedCount { counts[metric] ?? WindowedCount() }
}

/// An account's followers over time, by their region.
struct FollowerWindows {
    var name: String
    var regions: [String: WindowedCount] = [:]

    /// Of one region, or with nil of the world.
    func count(in region: String?) -> WindowedCount {
        if let region { return regions[region] ?? WindowedCount() }
        return regions.values.reduce(into: WindowedCount()) { $0.merge($1) }
    }
}

/// Reads the stored counts that rankings are made of: one key's, or all that a partition is the home of.
enum StoredCounts {
    // MARK: Tweets

    /// In the world, at the tweet's own partition.
    static func world(of tweet: Id, regions: [String], in rows: any Reader) throws -> TweetWindows {
        // A deleted tweet's sums stay, and count for nothing.
        guard let row = try rows.message(TweetRow.self, .tweets, Rows.tweet(tweet)), !row.deleted else {
            return try TweetWindows()
        }
        let sums = try SumReading.world(of: tweet, regions: regions, in: rows)
        return try TweetWindows(sums, try SumReading.worldWindows(of: tweet, in: rows))
    }

    /// In a region, at the region's home of that tweet.
    static func region(of tweet: Id, at home: PartitionId, in rows: any Reader) throws -> TweetWindows {
        try TweetWindows(
            try SumReading.sums(under: Rows.regionSum(of: tweet, in: home), in: rows),
            try SumReading.regionWindows(of: tweet, at: home, in: rows))
    }

    static func world(
        at partition: PartitionId, regions: [String], in rows: any Reader
    ) throws -> [(UInt64, TweetWindows)] {
        try tweets(with: "w", at: partition, in: rows).map {
            ($0, try world(of: Id(rawValue: $0), regions: regions, in: rows))
        }
    }

    static func region(at home: PartitionId, in rows: any Reader) throws -> [(UInt64, TweetWindows)] {
        try tweets(with: "p", at: home, in: rows).map { ($0, try region(of: Id(rawValue: $0), at: home, in: rows)) }
    }

    /// Tweets of which there are sums of that kind; each once, ascending.
    private static func tweets(
        with kind: Unicode.Scalar, at partition: PartitionId, in rows: any Reader
    ) throws -> [UInt64] {
        var found: [UInt64] = []
        let prefix = Key(partition: partition.rawValue).appending(UInt8(ascii: kind))
        try rows.scan(.sums, from: prefix.bytes, to: prefix.prefixEnd, reverse: false) { key, _ in
            var reader = KeyReader(UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.bytes.count)))
            let tweet = try reader.uint64()
            if found.last != tweet { found.append(tweet) }
            return true
        }
        return found
    }

    // MARK: Users

    /// Nil when there is no such active user.
    static func followers(of user: Id, in rows: any Reader) throws -> FollowerWindows? {
        guard let row = try rows.message(UserRow.self, .users, Rows.user(user)), row.state == .userActive else {
            return nil
        }
        return try followers(of: row, in: rows)
    }

    static func followers(at partition: PartitionId, in rows: any Reader) throws -> [FollowerWindows] {
        let prefix = Key(partition: partition.rawValue)
        return try rows.rows(.users, from: prefix.bytes, to: prefix.prefixEnd).compactMap {
            let row = try UserRow.decode($0.value)
            return row.state == .userActive ? try followers(of: row, in: rows) : nil
        }
    }

    private static func followers(of user: UserRow, in rows: any Reader) throws -> FollowerWindows {
        let id = Id(rawValue: user.id)
        var found = FollowerWindows(name: user.name)
        let totals = Rows.userCounts(id, .followers)
        for row in try rows.rows(.counts, from: totals.bytes, to: totals.prefixEnd) {
            let region = String(decoding: row.key.dropFirst(totals.bytes.count), as: UTF8.self)
            let total = try CounterValue.decode(row.value)
            found.regions[region] = WindowedCount(total: total)
        }
        let buckets = try CountBuckets.stored(under: Rows.followerBuckets(of: id), in: rows)
        for (suffix, buckets) in Dictionary(grouping: buckets, by: \.suffix) {
            let region = String(decoding: suffix, as: UTF8.self)
            found.regions[region, default: WindowedCount()].merge(try WindowedCount(buckets))
        }
        return found
    }

    // MARK: Hashtags

    static func tags(at partition: PartitionId, in rows: any Reader) throws -> [(String, TagRow)] {
        let prefix = Key(partition: partition.rawValue).appending(UInt8(ascii: "t"))
        return try rows.rows(.tags, from: prefix.bytes, to: prefix.prefixEnd).map {
            (String(decoding: $0.key.dropFirst(prefix.bytes.count), as: UTF8.self), try TagRow.decode($0.value))
        }
    }
}
