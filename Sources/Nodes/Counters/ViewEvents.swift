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
        // Twice as many as come in, so that old ones do not pile up.
        try CountBuckets.deleteExpired(
            under: Rows.viewBuckets(in: evaluation.partition), atMost: 2 * viewed.tweets.count, in: evaluation)
        evaluation.note(.eventViewed, viewed)
    }
}
