import Cluster
import Messages
import RPC

/// One tweet, and whole threads.
struct TweetService: Sendable {
    let node: NodeContext

    static let defaultThreadPage = 200
    static let maxThreadPage = 400

    func show(_ request: TweetRequest, _ context: CallContext) async throws -> TweetReply {
        try await node.catchUp(context)
        let viewer = try await node.viewer(context).id
        let hydration = Hydration(node: node, context: context, viewer: viewer)
        let known = try await hydration.gather([request.id])
        let row = try Self.readable(known.tweets[request.id], request.id)
        let shown = try await hydration.hydrate([row], known: known)
        guard let tweet = shown.first else { throw Refusal.deletedTweet(row.retweetOf) }
        return .with { $0.tweet = tweet }
    }

    static let maxLookup = 200

    /// Several tweets whose ids the reader has found elsewhere, in the given order; what is gone or hidden is left out.
    func lookUp(_ request: LookupRequest, _ context: CallContext) async throws -> TimelineReply {
        try await node.catchUp(context)
        let viewer = try await node.viewer(context).id
        guard request.ids.count <= Self.maxLookup else {
            throw Refusal(.invalidArgument, "at most \(Self.maxLookup) tweets can be looked up at once")
        }
        let hydration = Hydration(node: node, context: context, viewer: viewer)
        let found = try await hydration.gather(request.ids)
        let rows = try request.ids.compactMap { id in
            try found.tweets[id].flatMap { try $0.row.isEmpty || $0.hidden ? nil : TweetRow.decode($0.row) }
        }
        let tweets = try await hydration.hydrate(rows.filter { !$0.deleted }, known: found)
        return try .with { $0.tweets = try Self.mark(tweets, request.query) }
    }

    /// Marks what the search asked for in the texts that it found.
    private static func mark(_ tweets: [Tweet], _ query: String) throws -> [Tweet] {
        guard !query.isEmpty else { return tweets }
        let hits: HitRanges
        do {
            hits = HitRanges(try SearchQuery(parsing: query))
        } catch {
            throw Refusal(.invalidArgument, "the query is not understood at \(error)")
        }
        return try tweets.map { tweet in
            var tweet = tweet
            let shown = try TweetRow.decode(tweet.original.isEmpty ? tweet.row : tweet.original)
            tweet.hits = hits.ranges(in: shown.text).flatMap { [UInt32($0.lowerBound), UInt32($0.upperBound)] }
            return tweet
        }
    }

    private func readable(
        _ raw: UInt64, _ viewer: Id?, _ context: CallContext, evenDeleted: Bool
    ) async throws -> TweetRow {
        let found = try await Hydration(node: node, context: context, viewer: viewer).fetch([raw])
        return try Self.readable(found[raw], raw, evenDeleted: evenDeleted)
    }

    private static func readable(_ found: PeerTweet?, _ raw: UInt64, evenDeleted: Bool = false) throws -> TweetRow {
        guard let found, !found.row.isEmpty else { throw Refusal.noSuchTweet(raw) }
        let row = try TweetRow.decode(found.row)
        if row.deleted && !evenDeleted { throw Refusal.deletedTweet(raw) }
        if found.hidden { throw Refusal.protectedTweet(of: row.author) }
        return row
    }

    /// The thread that a tweet belongs to: its root, then the replies by id. What was deleted is a tombstone; what the
    /// reader may not see is left out.
    func thread(_ request: ThreadRequest, _ context: CallContext) async throws -> TimelineReply {
        try await node.catchUp(context)
        let viewer = try await node.viewer(context).id
        var named = try await readable(request.id, viewer, context, evenDeleted: true)
        if named.retweetOf != 0 { named = try await readable(named.retweetOf, viewer, context, evenDeleted: true) }
        let root = try node.tweetId(named.conversationId == 0 ? named.id : named.conversationId)
        let after = try PageToken.last(in: request.nextToken, list: .thread, subject: root.rawValue)
        let limit = request.maxResults == 0 ? Self.defaultThreadPage : min(Int(request.maxResults), Self.maxThreadPage)
        return try await page(of: root, after: after, limit: limit, viewer, context)
    }

    /// A page is empty only at the end, even where the reader may see none of many replies.
    private func page(
        of root: Id, after: UInt64?, limit: Int, _ viewer: Id?, _ context: CallContext
    ) async throws -> TimelineReply {
        let page = try await node.ask(
            ownerOf: root.partition, .thread,
            .with {
                $0.conversationId = root.rawValue
                $0.after = after ?? 0
                $0.limit = UInt32(limit)
            }, context)
        let ids = (after == nil ? [root.rawValue] : []) + page.ids
        let hydration = Hydration(node: node, context: context, viewer: viewer)
        let found = try await hydration.gather(ids)
        let rows = try ids.compactMap { id in
            try found.tweets[id].flatMap { try $0.row.isEmpty ? nil : TweetRow.decode($0.row) }
        }
        let tweets = try await hydration.hydrate(rows, known: found)
        guard page.more, let last = page.ids.last else { return .with { $0.tweets = tweets } }
        try Task.checkCancellation()
        if tweets.isEmpty { return try await self.page(of: root, after: last, limit: limit, viewer, context) }
        return .with {
            $0.tweets = tweets
            $0.nextToken = PageToken(list: .thread, subject: root.rawValue, last: last).encode()
        }
    }
}
