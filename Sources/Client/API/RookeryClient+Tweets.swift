import Cluster
import Messages

/// A tweet to post.
public struct Draft: Hashable, Sendable {
    public var text: String
    /// Only accepted followers may read it.
    public var protected: Bool
    public var place: String?
    public var inReplyTo: Id?
    public var quoteOf: Id?
    /// BCP 47, such as `en` or `pt-br`.
    public var lang: String?

    public init(
        text: String, protected: Bool = false, place: String? = nil, inReplyTo: Id? = nil, quoteOf: Id? = nil,
        lang: String? = nil
    ) {
        self.text = text
        self.protected = protected
        self.place = place
        self.inReplyTo = inReplyTo
        self.quoteOf = quoteOf
        self.lang = lang
    }
}

/// The two reactions to a tweet; one takes the other back.
public enum ReactionKind: Hashable, Sendable {
    case like
    case dislike
}

extension RookeryClient {
    /// - Throws: `invalidArgument` when the text is empty or too long, `notFound` for what it answers or quotes.
    public func post(_ draft: Draft, session: Session, key: RequestId? = nil) async throws -> Tweet {
        let request = PostRequest.with {
            $0.text = draft.text
            $0.access = draft.protected ? .accessProtected : .accessPublic
            $0.place = draft.place ?? ""
            $0.inReplyTo = draft.inReplyTo?.rawValue ?? 0
            $0.quoteOf = draft.quoteOf?.rawValue ?? 0
            $0.lang = draft.lang ?? ""
        }
        let reply = try await write("rookery.Tweets/Post", request, as: TweetReply.self, session: session, key: key)
        return try tweet(reply)
    }

    /// - Throws: `permissionDenied` for someone else's tweet.
    public func delete(_ tweet: Id, session: Session, key: RequestId? = nil) async throws {
        let request = TweetRequest.with { $0.id = tweet.rawValue }
        _ = try await write("rookery.Tweets/Delete", request, as: Empty.self, session: session, key: key)
    }

    public func show(_ id: Id, session: Session? = nil) async throws -> Tweet {
        try tweet(
            try await read(
                "rookery.Tweets/Show", TweetRequest.with { $0.id = id.rawValue }, as: TweetReply.self,
                at: try target(for: id, session, what: "tweet"), session: session))
    }

    /// The conversation that the tweet belongs to: its root, then the replies by id; deleted ones are tombstones.
    public func thread(
        _ id: Id, maxResults: Int = 0, next: String? = nil, session: Session? = nil
    ) async throws -> Page {
        let request = ThreadRequest.with {
            $0.id = id.rawValue
            $0.maxResults = UInt32(clamping: maxResults)
            $0.nextToken = next ?? ""
        }
        return try page(
            try await read(
                "rookery.Tweets/Thread", request, as: TimelineReply.self,
                at: try target(for: id, session, what: "tweet"), session: session))
    }

    /// Retweets, or with `undo` takes the retweet back; then there is no tweet to return.
    public func retweet(
        _ id: Id, undo: Bool = false, session: Session, key: RequestId? = nil
    ) async throws -> Tweet? {
        let request = RetweetRequest.with {
            $0.id = id.rawValue
            $0.undo = undo
        }
        let reply = try await write("rookery.Tweets/Retweet", request, as: TweetReply.self, session: session, key: key)
        return undo ? nil : try tweet(reply)
    }

    /// Likes or dislikes, or with `undo` takes just that reaction back.
    public func react(
        _ kind: ReactionKind, to id: Id, undo: Bool = false, session: Session, key: RequestId? = nil
    ) async throws -> ReactionResult {
        let request = ReactRequest.with {
            $0.id = id.rawValue
            $0.reaction = kind == .like ? .reactionLike : .reactionDislike
            $0.undo = undo
        }
        let reply = try await write("rookery.Tweets/React", request, as: ReactReply.self, session: session, key: key)
        let name =
            switch reply.reaction {
            case .reactionNone: "none"
            case .reactionLike: "like"
            case .reactionDislike: "dislike"
            }
        return ReactionResult(
            id: id, reaction: name, world: TweetCounts(reply.world),
            regions: [session.region: TweetCounts(reply.region)])
    }

    private func tweet(_ reply: TweetReply) throws -> Tweet {
        guard let tweet = reply.tweet else { throw RookeryError(.dataLoss, "the node's answer holds no tweet") }
        do {
            return try Tweet(tweet)
        } catch {
            throw RookeryError(.dataLoss, "the node's answer holds a tweet that cannot be read: \(error)")
        }
    }

    func page(_ reply: TimelineReply) throws -> Page {
        do {
            return try Page(reply)
        } catch {
            throw RookeryError(.dataLoss, "the node's answer holds a tweet that cannot be read: \(error)")
        }
    }
}
