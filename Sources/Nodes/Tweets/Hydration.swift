import Cluster
import Messages
import RPC

/// Turns stored tweets into what a reader sees: originals of retweets, counts, and nothing the reader may not see.
struct Hydration: Sendable {
    let node: NodeContext
    let context: CallContext
    let viewer: Id?

    /// Tweets by id as they are stored, with what the reader may see of them.
    func fetch(_ ids: [UInt64]) async throws -> [UInt64: PeerTweet] {
        let places = try Set(ids).sorted().map { try node.tweetId($0) }
        guard !places.isEmpty else { return [:] }
        let viewer = viewer?.rawValue ?? 0
        let replies = try await node.scatter(places, at: \.partition, .tweets, context) { ids in
            .with {
                $0.viewer = viewer
                $0.ids = ids.map(\.rawValue)
            }
        }
        return Dictionary(replies.flatMap(\.tweets).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// In the given order; retweets of what is gone or hidden are left out, tombstones stay.
    func hydrate(_ rows: [TweetRow]) async throws -> [Tweet] {
        let found = try await fetch(rows.map { $0.retweetOf == 0 ? $0.id : $0.retweetOf })
        let counts = try await node.shownCounts(
            of: found.values.sorted { $0.id < $1.id }, for: readerPartition, context)
        return try rows.compactMap { row in
            let shownId = row.retweetOf == 0 ? row.id : row.retweetOf
            guard let shown = found[shownId], !shown.row.isEmpty, !shown.hidden else { return nil }
            let stored = try TweetRow.decode(shown.row)
            if row.retweetOf != 0 && stored.deleted { return nil }
            return Tweet.with {
                // As it is stored now: it may have been deleted since `row` was read.
                $0.row = row.retweetOf == 0 ? shown.row : row.encode()
                $0.counts = TweetCounts(counts[shownId]?.world ?? Sums())
                guard row.retweetOf != 0 else { return }
                $0.original = shown.row
                $0.originalCounts = $0.counts
                $0.retweeters = [row.author]
            }
        }
    }

    /// Where the reader's own likes are counted, if it is a partition of this node.
    private var readerPartition: PartitionId? {
        guard let viewer, node.partition(viewer.partition) != nil else { return nil }
        return viewer.partition
    }
}
