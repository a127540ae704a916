import Cluster
import Messages
import RPC
import Replication

/// Turns stored tweets into what a reader sees: originals of retweets, counts, and nothing the reader may not see.
struct Hydration: Sendable {
    let node: NodeContext
    let context: CallContext
    let viewer: Id?

    /// Tweets by id as they are stored, with what the reader may see of them.
    func fetch(_ ids: some Sequence<UInt64>) async throws -> [UInt64: PeerTweet] {
        try await node.gather(Gathering(viewer: viewer, tweets: try tweetIds(ids)), context).tweets
    }

    /// The same of the nodes that answer in time, and which do not.
    func fetchReachable(_ ids: some Sequence<UInt64>) async throws -> Gathering.Found {
        try await node.gather(
            Gathering(viewer: viewer, tweets: try tweetIds(ids), evenIncomplete: true), context)
    }

    private func tweetIds(_ ids: some Sequence<UInt64>) throws -> [Id] { try Set(ids).sorted().map(node.tweetId) }

    /// Tweets as they are stored, and what their counts look like from the reader's place.
    struct Gathered: Sendable {
        var tweets: [UInt64: PeerTweet] = [:]
        fileprivate var counts: [UInt64: ShownCounts] = [:]
    }

    /// Asks the tweets' owners, and with the same calls those who count for the reader.
    func gather(_ ids: some Sequence<UInt64>) async throws -> Gathered {
        let ids = try tweetIds(ids)
        let found = try await node.gather(
            Gathering(viewer: viewer, tweets: ids, reader: readerPartition, counted: ids), context)
        return Gathered(tweets: found.tweets, counts: found.tweets.mapValues { ShownCounts($0, found.near) })
    }

    /// In the given order; retweets of what is gone or hidden are left out, tombstones stay.
    /// - Parameters:
    ///   - known: what was gathered a moment ago; only the others are asked for.
    ///   - forReader: somebody is shown them; not so what answers a write.
    func hydrate(
        _ rows: [TweetRow], known: Gathered = Gathered(), forReader: Bool = true
    ) async throws -> [Tweet] {
        let shownIds = Set(rows.map { $0.retweetOf == 0 ? $0.id : $0.retweetOf })
        let others = try await gather(shownIds.filter { known.tweets[$0] == nil })
        let found = known.tweets.merging(others.tweets) { first, _ in first }
        let counts = known.counts.merging(others.counts) { first, _ in first }
        var seen: Set<UInt64> = []
        defer { if forReader { countViews(of: seen) } }
        return try rows.compactMap { row in
            let shownId = row.retweetOf == 0 ? row.id : row.retweetOf
            guard let shown = found[shownId], !shown.row.isEmpty, !shown.hidden else { return nil }
            let stored = try TweetRow.decode(shown.row)
            if row.retweetOf != 0 && stored.deleted { return nil }
            // An author's own views do not count (rule F3).
            if !stored.deleted, stored.authorId != viewer?.rawValue { seen.insert(shownId) }
            return Tweet.with {
                // As it is stored now: it may have been deleted since `row` was read.
                $0.row = row.retweetOf == 0 ? shown.row : row.encode()
                $0.counts = counts[shownId]?.world ?? TweetCounts()
                guard row.retweetOf != 0 else { return }
                $0.original = shown.row
                $0.originalCounts = $0.counts
                $0.retweeters = [row.author]
            }
        }
    }

    private func countViews(of tweets: Set<UInt64>) {
        guard context.call.peer.role == .client else { return }
        let key = context.call.key
        // Told apart by reader: two may draw the same id.
        let call = key.isNone ? nil : RequestId(timeMs: key.high, random: key.low).derived(viewer?.rawValue ?? 0)
        let region = viewer.map { node.region(of: $0.partition).name } ?? node.ownRegion
        node.views.viewed(tweets.sorted(), call: call, region: region)
    }

    /// Where the reader's own likes are counted, if it is a partition of this node.
    private var readerPartition: PartitionId? {
        guard let viewer, node.partition(viewer.partition) != nil else { return nil }
        return viewer.partition
    }
}
