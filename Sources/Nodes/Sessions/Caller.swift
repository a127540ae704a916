import Cluster
import Messages
import RPC
import Replication
import Storage

/// Who makes a call, proven by the session the call carries (rule G1), at the partition where that account lives.
struct Caller: Sendable {
    let id: Id
    let user: UserRow
    let session: SessionRow
    let partition: Partition

    var name: String { user.name }
}

extension NodeContext {
    /// - Throws: UNAUTHENTICATED with a sentence that says what is wrong with the session; a redirect when the
    ///   account lives elsewhere.
    func caller(_ context: CallContext) async throws -> Caller {
        try await caller(bearing: context.call.session)
    }

    func caller(bearing token: [UInt8]) async throws -> Caller {
        let token = try verified(token)
        let id = Id(rawValue: token.userId)
        guard partitioning.contains(id.partition) else { throw SessionRefusal.invalid }
        let partition = try owned(id.partition)
        let found = try await sessions.found(token.sessionId, of: id) {
            try await Self.read(token.sessionId, of: id, in: partition)
        }
        guard clock.nowMs() < found.session.expiresMs else { throw SessionRefusal.expired }
        return Caller(id: id, user: found.user, session: found.session, partition: partition)
    }

    private static func read(_ session: UInt64, of user: Id, in partition: Partition) async throws -> SessionCache.Found
    {
        try await partition.read { rows in
            guard let account = try rows.message(UserRow.self, .users, Rows.user(user)), account.state == .userActive
            else { throw SessionRefusal.invalid }
            guard let row = try rows.message(SessionRow.self, .sessions, Rows.session(session, of: user)) else {
                throw SessionRefusal.revoked
            }
            return SessionCache.Found(user: account, session: row)
        }
    }

    /// Whether this request was carried out before, asked before the session is: it may have ended the session.
    func wasDone(_ context: CallContext) async throws -> Bool {
        let id = Id(rawValue: try verified(context.call.session).userId)
        guard partitioning.contains(id.partition) else { throw SessionRefusal.invalid }
        return try await owned(id.partition).remembered(try context.requestId(of: id)) != nil
    }

    /// Who looks: the session's account, or the one a proven peer vouches for, or nobody.
    func viewer(_ context: CallContext) async throws -> (id: Id?, caller: Caller?) {
        if context.call.peer.role == .peer { return (context.vouchedViewer, nil) }
        guard !context.call.session.isEmpty else { return (nil, nil) }
        let caller = try await caller(context)
        return (caller.id, caller)
    }

    /// Whose session it is, as its signature says. Whether it was revoked, `provenViewer` knows.
    func bearer(_ context: CallContext) throws -> Id {
        let id = Id(rawValue: try verified(context.call.session).userId)
        guard partitioning.contains(id.partition) else { throw SessionRefusal.invalid }
        return id
    }

    /// Who looks, for calls that a client makes to every owner at once: wherever the session's account lives, it is
    /// asked there whether the session still holds.
    func provenViewer(_ context: CallContext) async throws -> Id {
        let home = try bearer(context).partition
        let reply = try await ask(ownerOf: home, .session, .with { $0.token = context.call.session }, context)
        return Id(rawValue: reply.userId)
    }

    private func verified(_ token: [UInt8]) throws -> SessionToken {
        guard !token.isEmpty else { throw SessionRefusal.missing }
        do {
            return try signer.verify(token, nowMs: clock.nowMs())
        } catch .expired {
            throw SessionRefusal.expired
        } catch .forged {
            throw SessionRefusal.invalid
        }
    }
}

/// What is wrong with a session.
enum SessionRefusal {
    static let missing = Refusal(.unauthenticated, "this needs a session: log in first")
    static let invalid = Refusal(.unauthenticated, "this is no session of this cluster: log in again")
    static let expired = Refusal(.unauthenticated, "your session has expired: log in again")
    static let revoked = Refusal(.unauthenticated, "your session was revoked: log in again")
}
