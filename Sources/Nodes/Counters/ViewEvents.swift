import Cluster
import Messages
import Replication
import Storage

/// At the tweets' own partition: views that readers of one region caused.
enum ViewEvents {
    static func take(_ viewed: Viewed, in evaluation: Evaluation) throws {
        let region = Array(viewed.region.utf8)
        for (raw, count) in zip(viewed.tweets, viewed.views) {
            let delta = Int64(clamping: count)
            let total = Rows.views(of: Id(rawValue: raw)).appending(region)
            try evaluation.rows.merge(.counts, total.bytes, delta: delta)
            for span in CountBuckets.Span.allCases where viewed.atMs + span.writtenForMs > evaluation.nowMs {
                let bucket = Rows.viewBuckets(span.rawValue, in: evaluation.partition)
                    .appending(span.bucket(ofMs: viewed.atMs)).appending(raw).appending(region)
                try evaluation.rows.merge(.counts, bucket.bytes, delta: delta)
            }
        }
        try deleteExpired(atLeast: 2 * viewed.tweets.count, in: evaluation)
        evaluation.note(.eventViewed, viewed)
    }

    /// As many as come in, so that old ones do not pile up.
    private static func deleteExpired(atLeast count: Int, in evaluation: Evaluation) throws {
        for span in CountBuckets.Span.allCases {
            let prefix = Rows.viewBuckets(span.rawValue, in: evaluation.partition)
            let oldest = evaluation.nowMs - min(evaluation.nowMs, span.keptForMs)
            let end = prefix.appending(span.bucket(ofMs: oldest)).bytes
            for row in try evaluation.rows.rows(.counts, from: prefix.bytes, to: end, limit: count) {
                evaluation.rows.delete(.counts, row.key)
            }
        }
    }
}
