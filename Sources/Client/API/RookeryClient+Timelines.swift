import Cluster
import Messages

extension RookeryClient {
    /// The caller's and the followed accounts' tweets and retweets, newest first.
    public func home(_ request: PageRequest = PageRequest(), session: Session) async throws -> Page {
        try page(
            try await read(
                "rookery.Timelines/Home", message(request, user: session.userId), as: TimelineReply.self,
                at: .member(session.partition), session: session))
    }

    /// One account's tweets and retweets, newest first.
    public func timeline(
        of user: Id, _ request: PageRequest = PageRequest(), session: Session? = nil
    ) async throws -> Page {
        try page(
            try await read(
                "rookery.Timelines/User", message(request, user: user), as: TimelineReply.self,
                at: try target(for: user, session, what: "user"), session: session))
    }

    /// A tweet's counts as the reader sees them (rule F2).
    public func counters(ofTweet id: Id, session: Session? = nil) async throws -> TweetCounters {
        let reply = try await read(
            "rookery.Counters/Read", CounterRequest.with { $0.tweetId = id.rawValue }, as: CounterReply.self,
            at: try target(for: id, session, what: "tweet"), session: session)
        return TweetCounters(
            id: id, world: TweetCounts(reply.world),
            regions: Dictionary(reply.regions.map { ($0.region, TweetCounts($0.counts)) }) { first, _ in first })
    }

    public func counters(ofUser id: Id, session: Session? = nil) async throws -> UserCounters {
        let reply = try await read(
            "rookery.Counters/Read", CounterRequest.with { $0.userId = id.rawValue }, as: CounterReply.self,
            at: try target(for: id, session, what: "user"), session: session)
        return UserCounters(
            id: id, world: UserCounts(reply.userWorld),
            regions: Dictionary(reply.userRegions.map { ($0.region, UserCounts($0.counts)) }) { first, _ in first })
    }

    private func message(_ request: PageRequest, user: Id) -> TimelineRequest {
        .with {
            $0.userId = user.rawValue
            $0.maxResults = UInt32(clamping: request.maxResults)
            $0.nextToken = request.next ?? ""
            $0.excludeReplies = request.excludeReplies
            $0.excludeRetweets = request.excludeRetweets
        }
    }
}
