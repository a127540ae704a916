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

    /// What a tweet's own partition knows of each region, in the regions' order of names.
    static func worldShares(of tweet: Id, in rows: any Reader) throws -> [RegionSumRow] {
        let prefix = Rows.worldShares(of: tweet)
        return try rows.rows(.sums, from: prefix.bytes, to: prefix.prefixEnd).map { row in
            try RegionSumRow.with {
                $0.region = String(decoding: row.key.dropFirst(prefix.bytes.count), as: UTF8.self)
                $0.sums = try SumRow.decode(row.value).sums
            }
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
    init(_ sums: Sums) {
        self.init()
        likes = UInt64(max(0, sums.likes))
        dislikes = UInt64(max(0, sums.dislikes))
        replies = UInt64(max(0, sums.replies))
        retweets = UInt64(max(0, sums.retweets))
    }
}
