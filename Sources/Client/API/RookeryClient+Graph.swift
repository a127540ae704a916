import Cluster
import Messages

extension RookeryClient {
    /// Follows an account, or with `undo` no longer. Following a protected account makes a request.
    public func follow(
        _ user: Id, undo: Bool = false, session: Session, key: RequestId? = nil
    ) async throws -> FollowResult {
        let request = FollowRequest.with {
            $0.userId = user.rawValue
            $0.undo = undo
        }
        let reply = try await write("rookery.Graph/Follow", request, as: FollowReply.self, session: session, key: key)
        return FollowResult(id: user, state: reply.state)
    }

    public func followers(
        of user: Id, maxResults: Int = 0, next: String? = nil, session: Session? = nil
    ) async throws -> AccountList {
        try await accounts("rookery.Graph/Followers", user, maxResults, next, session)
    }

    public func following(
        of user: Id, maxResults: Int = 0, next: String? = nil, session: Session? = nil
    ) async throws -> AccountList {
        try await accounts("rookery.Graph/Following", user, maxResults, next, session)
    }

    /// Who asks to follow the caller.
    public func followRequests(
        maxResults: Int = 0, next: String? = nil, session: Session
    ) async throws -> AccountList {
        try await accounts("rookery.Graph/Requests", session.userId, maxResults, next, session)
    }

    /// Accepts or rejects a follow request.
    public func answerRequest(
        of user: Id, accept: Bool, session: Session, key: RequestId? = nil
    ) async throws {
        let request = AnswerFollowRequest.with {
            $0.userId = user.rawValue
            $0.accept = accept
        }
        _ = try await write("rookery.Graph/AnswerRequest", request, as: Empty.self, session: session, key: key)
    }

    private func accounts(
        _ method: String, _ user: Id, _ maxResults: Int, _ next: String?, _ session: Session?
    ) async throws -> AccountList {
        let request = AccountListRequest.with {
            $0.userId = user.rawValue
            $0.maxResults = UInt32(clamping: maxResults)
            $0.nextToken = next ?? ""
        }
        return AccountList(
            try await read(
                method, request, as: AccountListReply.self, at: try target(for: user, session, what: "user"),
                session: session))
    }
}
