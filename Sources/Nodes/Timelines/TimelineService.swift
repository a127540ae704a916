import Cluster
import Messages
import NIOCore
import RPC
import Replication
import Storage

/// Home and user timelines, merged by pull: rules E1 and E2 with a floor that nothing lies above.
struct TimelineService: Sendable {
    let node: NodeContext

    static let defaultPage = 20
    static let maxPage = 200

    func home(_ request: TimelineRequest, _ context: CallContext) async throws -> TimelineReply {
        try await node.catchUp(context)
        let caller = try await node.caller(context)
        let followed = try await caller.partition.read { try Self.followed(by: caller.id, in: $0) }
        return try await page(
            of: followed + [caller.id], list: .home, subject: caller.id, viewer: caller.id, request, context)
    }

    func user(_ request: TimelineRequest, _ context: CallContext) async throws -> TimelineReply {
        try await node.catchUp(context)
        let viewer = try await node.viewer(context).id
        let author = try node.userId(request.userId)
        let users = try await node.ask(ownerOf: author.partition, .users, .with { $0.ids = [author.rawValue] }, context)
        guard let user = users.users.first, !user.name.isEmpty else { throw Refusal.noSuchUser(author.rawValue) }
        return try await page(of: [author], list: .user, subject: author, viewer: viewer, request, context)
    }

    private static func followed(by user: Id, in rows: any Reader) throws -> [Id] {
        let prefix = Rows.following(of: user)
        return try rows.rows(.edges, from: prefix.bytes, to: prefix.prefixEnd).compactMap { row in
            guard try EdgeRow.decode(row.value).state == .edgeAccepted else { return nil }
            return Id(rawValue: row.key.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
    }

    /// A page may come out shorter than asked, when retweets' originals are gone or much is left out. It is empty only
    /// at the end, or when half of the call's time has gone by without anything to show; then its token goes on.
    private func page(
        of authors: [Id], list: PageToken.List, subject: Id, viewer: Id?, _ request: TimelineRequest,
        _ context: CallContext
    ) async throws -> TimelineReply {
        var before = try PageToken.last(in: request.nextToken, list: list, subject: subject.rawValue) ?? 0
        let limit = request.maxResults == 0 ? Self.defaultPage : min(Int(request.maxResults), Self.maxPage)
        let hydration = Hydration(node: node, context: context, viewer: viewer)
        let started = NIODeadline.now()
        let enough = started + .nanoseconds((context.deadline - started).nanoseconds / 2)
        while true {
            let pulled = try await pull(authors, before: before, limit: limit, viewer: viewer, request, context)
            let tweets = try Self.fold(try await hydration.hydrate(pulled.rows).filter { try !$0.isTombstone })
            guard let next = pulled.next else { return .with { $0.tweets = tweets } }
            guard tweets.isEmpty, .now() < enough else {
                return .with {
                    $0.tweets = tweets
                    $0.nextToken = PageToken(list: list, subject: subject.rawValue, last: next).encode()
                }
            }
            try Task.checkCancellation()
            before = next
        }
    }

    /// The newest causes below `before` of all authors, from all owners at once.
    /// - Returns: their rows, and what a next page must be below; nil at the end.
    private func pull(
        _ authors: [Id], before: UInt64, limit: Int, viewer: Id?, _ request: TimelineRequest, _ context: CallContext
    ) async throws -> (rows: [TweetRow], next: UInt64?) {
        let replies = try await node.scatter(authors, at: \.partition, .pull, context) { authors in
            .with {
                $0.viewer = viewer?.rawValue ?? 0
                $0.authors = authors.map(\.rawValue)
                $0.before = before
                $0.limit = UInt32(limit)
                $0.excludeReplies = request.excludeReplies
                $0.excludeRetweets = request.excludeRetweets
            }
        }
        // Below the highest horizon something newer may be missing.
        let horizon = replies.map(\.horizon).max() ?? 0
        let rows = try replies.flatMap(\.rows).map { try TweetRow.decode($0) }.filter { $0.id >= horizon }
            .sorted { $0.id > $1.id }
        let page = Array(rows.prefix(limit))
        if rows.count > limit || (rows.count == limit && horizon > 0) { return (page, page.last?.id) }
        if horizon > 0 { return (page, horizon) }
        return (page, replies.contains(where: \.more) ? page.last?.id : nil)
    }

    /// Entries of one page that show the same original are folded into the newest, which names the retweeters (E1).
    static func fold(_ tweets: [Tweet]) throws -> [Tweet] {
        var folded: [Tweet] = []
        var place: [UInt64: Int] = [:]
        for tweet in tweets {
            let row = try TweetRow.decode(tweet.row)
            let shown = row.retweetOf == 0 ? row.id : row.retweetOf
            if let index = place[shown] {
                folded[index].retweeters += tweet.retweeters
            } else {
                place[shown] = folded.count
                folded.append(tweet)
            }
        }
        return folded
    }
}

extension Tweet {
    /// Deleted between the scan and the read.
    var isTombstone: Bool {
        get throws { try TweetRow.decode(row).deleted }
    }
}
