import Cluster
import Messages
import Storage

/// Reads the stored sums of a tweet.
enum SumReading {
    /// The merged counters under a prefix whose next byte is a `TweetMetric`.
    static func sums(under prefix: Key, in rows: any Reader) throws -> Sums {
        var sums = Sums()
        try rows.scan(.counts, from: prefix.bytes, to: prefix.prefixEnd, reverse: false) { key, value in
            guard let metric = key.last.flatMap(TweetMetric.init(rawValue:)) else { return true }
            sums[metric] = try CounterValue.decode(value)
            return true
        }
        return sums
    }

    /// A region's counts by time: what its home has heard of all partitions, together.
    static func regionWindows(of tweet: Id, at home: PartitionId, in rows: any Reader) throws -> [WindowCounts] {
        try windows(under: Rows.shares(of: tweet, at: home), in: rows)
    }

    /// The world's, at the tweet's own partition: what it has heard of all regions, together.
    static func worldWindows(of tweet: Id, in rows: any Reader) throws -> [WindowCounts] {
        try windows(under: Rows.worldShares(of: tweet), in: rows)
    }

    private static func windows(under prefix: Key, in rows: any Reader) throws -> [WindowCounts] {
        try rows.rows(.sums, from: prefix.bytes, to: prefix.prefixEnd).reduce(into: []) { sum, row in
            sum = try .sum(sum, SumRow.decode(row.value).windows)
        }
    }

    /// What a tweet's own partition knows of each region, in the regions' order of names.
    static func worldShares(of tweet: Id, in rows: any Reader) throws -> [RegionSumRow] {
        var regions: [String: RegionSumRow] = [:]
        let sums = Rows.worldShares(of: tweet)
        for row in try rows.rows(.sums, from: sums.bytes, to: sums.prefixEnd) {
            let region = String(decoding: row.key.dropFirst(sums.bytes.count), as: UTF8.self)
            regions[region, default: RegionSumRow()].sums = try SumRow.decode(row.value).sums
        }
        let views = Rows.views(of: tweet)
        for row in try rows.rows(.counts, from: views.bytes, to: views.prefixEnd) {
            let region = String(decoding: row.key.dropFirst(views.bytes.count), as: UTF8.self)
            regions[region, default: RegionSumRow()].views = UInt64(max(0, try CounterValue.decode(row.value)))
        }
        return regions.sorted { $0.key < $1.key }.map { name, row in
            var row = row
            row.region = name
            return row
        }
    }
}

extension Sums {
    subscript(metric: TweetMetric) -> Int64 {
        get {
            switch metric {
            case .likes: likes
            case .dislikes: dislikes
            case .replies: replies
            case .retweets: retweets
            }
        }
        set {
            switch metric {
            case .likes: likes = newValue
            case .dislikes: dislikes = newValue
            case .replies: replies = newValue
            case .retweets: retweets = newValue
            }
        }
    }

    static func + (a: Sums, b: Sums) -> Sums { combine(a, b, &+) }

    static func - (a: Sums, b: Sums) -> Sums { combine(a, b, &-) }

    static func max(_ a: Sums, _ b: Sums) -> Sums { combine(a, b, Swift.max) }

    private static func combine(_ a: Sums, _ b: Sums, _ combine: (Int64, Int64) -> Int64) -> Sums {
        var result = Sums()
        for metric in TweetMetric.allCases { result[metric] = combine(a[metric], b[metric]) }
        return result
    }
}

extension TweetCounts {
    /// Nobody is shown less than none.
    init(_ sums: Sums, views: UInt64 = 0) {
        self.init()
        self.views = views
        likes = UInt64(max(0, sums.likes))
        dislikes = UInt64(max(0, sums.dislikes))
        replies = UInt64(max(0, sums.replies))
        retweets = UInt64(max(0, sums.retweets))
    }
}
