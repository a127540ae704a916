import Cluster
import Messages
import RPC
import Replication
import Storage

/// Likes and dislikes: F4. An edge in the liker's partition and a count in the same entry; a like takes a dislike back
/// and the other way round.
struct ReactionService: Sendable {
    let node: NodeContext

    func react(_ request: ReactRequest, _ context: CallContext) async throws -> ReactReply {
        let caller = try await node.caller(context)
        let tweet = try node.tweetId(request.id)
        guard request.reaction != .reactionNone else {
            throw Refusal(.invalidArgument, "say whether to like or to dislike")
        }
        let requestId = try context.requestId(of: caller.id)
        if let outcome = try await caller.partition.remembered(requestId) {
            return try await reply(outcome, tweet, caller, context)
        }
        // One may take back what one may not read any more.
        let found = try await target(tweet, caller, context, evenHidden: request.undo)
        let target = Id(rawValue: found.id)
        let outcome = try await caller.partition.execute(
            Self.command(request, to: target, by: caller, requestId: requestId))
        return try await reply(outcome, target, caller, context)
    }

    /// It has happened: counts that cannot be read now are no reason to say otherwise. They are read after the change,
    /// so the answer shows it at once (N5).
    private func reply(
        _ outcome: Outcome, _ tweet: Id, _ caller: Caller, _ context: CallContext
    ) async throws -> ReactReply {
        context.note(outcome, in: caller.partition.id)
        let found = try? await target(tweet, caller, context, evenHidden: true)
        let counted = found.map { [Id(rawValue: $0.id)] } ?? []
        let near = try? await node.gather(Gathering(reader: caller.partition.id, counted: counted), context).near
        let shown = near.flatMap { near in found.map { ShownCounts($0, near) } }
        let region = node.region(of: caller.partition.id).name
        return try .with {
            $0.reaction = try ReactionRow.decode(outcome.answer).reaction
            $0.world = shown?.world ?? TweetCounts()
            $0.region = shown?.regions[region] ?? TweetCounts()
        }
    }

    /// What is liked: the tweet, or the original of a retweet.
    private func target(
        _ id: Id, _ caller: Caller, _ context: CallContext, evenHidden: Bool
    ) async throws -> PeerTweet {
        let reply = try await node.ask(
            ownerOf: id.partition, .gather,
            .with {
                $0.viewer = caller.id.rawValue
                $0.tweets = [id.rawValue]
            }, context)
        guard let found = reply.tweets.first, !found.row.isEmpty else { throw Refusal.noSuchTweet(id.rawValue) }
        let row = try TweetRow.decode(found.row)
        if row.deleted, !evenHidden { throw Refusal.deletedTweet(id.rawValue) }
        if found.hidden, !evenHidden { throw Refusal.protectedTweet(of: row.author) }
        guard row.retweetOf != 0 else { return found }
        return try await target(try node.tweetId(row.retweetOf), caller, context, evenHidden: evenHidden)
    }

    private static func command(
        _ request: ReactRequest, to tweet: Id, by caller: Caller, requestId: RequestId
    ) -> Command {
        let key = Rows.reaction(of: caller.id, to: tweet)
        return Command(requestId: requestId, latches: [Latches.reaction(caller.id, tweet)]) { evaluation in
            let before = try evaluation.rows.message(ReactionRow.self, .reactions, key) ?? ReactionRow()
            let after = Self.after(before.reaction, request)
            guard after != before.reaction else { return before.encode() }
            if let metric = Self.metric(before.reaction) {
                try CountEvents.count(metric, of: tweet, by: -1, atMs: before.atMs, in: evaluation)
            }
            if let metric = Self.metric(after) {
                try CountEvents.count(metric, of: tweet, by: 1, atMs: evaluation.nowMs, in: evaluation)
            }
            let row = ReactionRow.with {
                $0.reaction = after
                $0.atMs = evaluation.nowMs
            }
            if after == .reactionNone {
                evaluation.rows.delete(.reactions, key)
            } else {
                evaluation.rows.put(.reactions, key, row)
            }
            return row.encode()
        }
    }

    private static func after(_ before: Reaction, _ request: ReactRequest) -> Reaction {
        guard request.undo else { return request.reaction }
        return before == request.reaction ? .reactionNone : before
    }

    private static func metric(_ reaction: Reaction) -> TweetMetric? {
        switch reaction {
        case .reactionNone: nil
        case .reactionLike: .likes
        case .reactionDislike: .dislikes
        }
    }
}
