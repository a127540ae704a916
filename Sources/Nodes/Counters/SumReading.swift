import Cluster
import Messages
import Storage

/// Reads the stored sums of a tweet.
enum SumReading {
    /// The merged counters under a prefix whose next byte is a `TweetMetric`.
    static func sums(under prefix: Key, in rows: any Reader) throws -> Sums {
        try sums(under: [prefix], in: rows)[0]
    }

    /// Those under several prefixes, in one read. By key: most are missing, and a filter in memory knows that, while a
    /// scan would look.
    static func sums(under prefixes: [Key], in rows: any Reader) throws -> [Sums] {
        let metrics = TweetMetric.allCases
        let keys = prefixes.flatMap { prefix in metrics.map { prefix.appending($0.rawValue).bytes } }
        var values = try rows.multiGet(.counts, keys)[...]
        return try prefixes.map { _ in
            var sums = Sums()
            for (metric, value) in zip(metrics, values) {
                if let value { sums[metric] = try CounterValue.decode(value) }
            }
            values = values.dropFirst(metrics.count)
            return sums
        }
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

    /// What tweets' own partitions know of each region, in the order of `regions`; none of those that did nothing. Two reads, for any number of tweets.
    static func worldShares(of tweets: [Id], regions: [String], in rows: any Reader) throws -> [[RegionSumRow]] {
        let names = regions.map { Array($0.utf8) }
        let shares = tweets.flatMap { tweet in names.map { Rows.worldShares(of: tweet).appending($0).bytes } }
        let views = tweets.flatMap { tweet in names.map { Rows.views(of: tweet).appending($0).bytes } }
        let (sums, viewed) = (try rows.multiGet(.sums, shares), try rows.multiGet(.counts, views))
        return try tweets.indices.map { tweet in
            let places = tweet * regions.count..<(tweet + 1) * regions.count
            return try Self.shares(of: regions, sums: Array(sums[places]), viewed: Array(viewed[places]))
        }
    }

    private static func shares(
        of regions: [String], sums: [[UInt8]?], viewed: [[UInt8]?]
    ) throws -> [RegionSumRow] {
        try regions.indices.compactMap { place in
            guard sums[place] != nil || viewed[place] != nil else { return nil }
            return try RegionSumRow.with {
                $0.region = regions[place]
                $0.sums = try sums[place].flatMap { try SumRow.decode($0).sums }
                $0.views = UInt64(max(0, try viewed[place].map { try CounterValue.decode($0) } ?? 0))
            }
        }
    }

    /// All regions together.
    static func world(of tweet: Id, regions: [String], in rows: any Reader) throws -> Sums {
        try worlds(of: [tweet], regions: regions, in: rows)[0]
    }

    static func worlds(of tweets: [Id], regions: [String], in rows: any Reader) throws -> [Sums] {
        try worldShares(of: tweets, regions: regions, in: rows).map { shares in
            shares.reduce(Sums()) { $0 + ($1.sums ?? Sums()) }
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
