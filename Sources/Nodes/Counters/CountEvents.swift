import Cluster
import Messages
import Replication
import Storage

/// Counts that a command changes, and the sums that come in.
enum CountEvents {
    /// Changes a partition's own sum of a tweet; called with what a user of this partition did.
    /// - Parameter atMs: when it was done; taking it back names the same time (rule F4).
    static func count(
        _ metric: TweetMetric, of tweet: Id, by delta: Int64, atMs: UInt64, in evaluation: Evaluation
    ) throws {
        let prefix = Rows.partitionSum(of: tweet, in: evaluation.partition)
        try evaluation.rows.merge(.counts, prefix.appending(metric.rawValue).bytes, delta: delta)
        try CountBuckets.merge(
            under: Rows.partitionBuckets(of: tweet, in: evaluation.partition), suffix: [metric.rawValue], by: delta,
            atMs: atMs, in: evaluation)
        evaluation.note(.eventCounted, Counted.with { $0.tweetId = tweet.rawValue })
    }

    static func count(
        _ metric: UserMetric, of user: Id, region: String, by delta: Int64, in evaluation: Evaluation
    ) throws {
        let key = Rows.userCounts(user, metric).appending(Array(region.utf8)).bytes
        try evaluation.rows.merge(.counts, key, delta: delta)
    }

    /// At the region's home: a partition's cumulative sum. Twice, or an older one, changes nothing (rule F1).
    static func take(_ sum: PartitionSum, from source: PartitionId, in evaluation: Evaluation) throws {
        let tweet = Id(rawValue: sum.tweetId)
        let key = Rows.share(of: source, in: tweet, at: evaluation.partition)
        let stored = try evaluation.rows.message(SumRow.self, .sums, key) ?? SumRow()
        guard isNewer(sum.incarnation, sum.version, than: stored) else { return }
        let delta = (sum.sums ?? Sums()) - (stored.sums ?? Sums())
        let prefix = Rows.regionSum(of: tweet, in: evaluation.partition)
        for metric in TweetMetric.allCases where delta[metric] != 0 {
            try evaluation.rows.merge(.counts, prefix.appending(metric.rawValue).bytes, delta: delta[metric])
        }
        evaluation.rows.put(.sums, key, row(sum.incarnation, sum.version, sum.sums, sum.windows))
        evaluation.note(.eventRegionCounted, Counted.with { $0.tweetId = sum.tweetId })
    }

    /// At the tweet's own partition: a region's cumulative sum.
    static func take(_ sum: RegionSum, in evaluation: Evaluation) throws {
        let tweet = Id(rawValue: sum.tweetId)
        let key = Rows.worldShares(of: tweet).appending(Array(sum.region.utf8)).bytes
        let stored = try evaluation.rows.message(SumRow.self, .sums, key) ?? SumRow()
        guard isNewer(sum.incarnation, sum.version, than: stored) else { return }
        evaluation.rows.put(.sums, key, row(sum.incarnation, sum.version, sum.sums, sum.windows))
        evaluation.note(.eventWorldCounted, Counted.with { $0.tweetId = sum.tweetId })
    }

    private static func isNewer(_ incarnation: UInt64, _ version: UInt64, than stored: SumRow) -> Bool {
        (incarnation, version) > (stored.incarnation, stored.version)
    }

    private static func row(
        _ incarnation: UInt64, _ version: UInt64, _ sums: Sums?, _ windows: [WindowCounts]
    ) -> SumRow {
        .with {
            $0.incarnation = incarnation
            $0.version = version
            $0.sums = sums
            $0.windows = windows
        }
    }
}
