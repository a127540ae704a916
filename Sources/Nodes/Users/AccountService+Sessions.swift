import Cluster
import Messages
import RPC
import Replication
import Storage

/// Sessions and the password they are proven with: rule G1.
extension AccountService {
    static let maxSessions = 100

    /// - Parameter user: as it was when it proved itself; if its secret has changed since, the proof is void.
    func newSession(
        for user: UserRow, label: String, requestId: RequestId?, in partition: Partition
    ) async throws -> SessionReply {
        let id = Id(rawValue: user.id)
        let lifetime = UInt64(node.config.limits.sessionDays) * 24 * 3600 * 1000
        let latches = [Latches.user(id), Latches.sessions(id)]
        let command = Command(requestId: requestId, latches: latches, newIds: 1) { evaluation in
            let current = try evaluation.rows.message(UserRow.self, .users, Rows.user(id))
            guard let current, current.state == .userActive, current.secretHash == user.secretHash else {
                throw Refusal(.unauthenticated, "wrong name or password")
            }
            try Self.endSurplusSessions(of: id, in: evaluation)
            let row = SessionRow.with {
                $0.id = evaluation.ids[0].rawValue
                $0.createdMs = evaluation.nowMs
                $0.expiresMs = evaluation.nowMs + lifetime
                $0.label = label
            }
            evaluation.rows.put(.sessions, Rows.session(row.id, of: id), row)
            return row.encode()
        }
        let row = try SessionRow.decode(try await partition.execute(command).answer)
        return reply(for: row, user: id, name: user.name, region: user.region)
    }

    /// The expired ones, and the oldest beyond a bound.
    private static func endSurplusSessions(of user: Id, in evaluation: Evaluation) throws {
        let all = try sessions(of: user, in: evaluation.rows)
        let live = all.filter { $0.expiresMs > evaluation.nowMs }
        let ended = all.filter { $0.expiresMs <= evaluation.nowMs } + live.dropLast(maxSessions - 1)
        for row in ended { evaluation.rows.delete(.sessions, Rows.session(row.id, of: user)) }
    }

    private func reply(for session: SessionRow, user: Id, name: String, region: String) -> SessionReply {
        let token = SessionToken.with {
            $0.userId = user.rawValue
            $0.sessionId = session.id
            $0.issuedMs = node.clock.nowMs()
            $0.expiresMs = session.expiresMs
        }
        return .with {
            $0.userId = user.rawValue
            $0.name = name
            $0.region = region
            $0.token = node.signer.sign(token)
            $0.expiresMs = session.expiresMs
        }
    }

    func login(_ request: LoginRequest, _ context: CallContext) async throws -> SessionReply {
        try Self.validate(label: request.label)
        let id = try node.userId(request.userId)
        let partition = try node.owned(id.partition)
        let user = try await throttled(id, context) {
            let user = try await partition.read { try $0.message(UserRow.self, .users, Rows.user(id)) }
            guard let user, user.state == .userActive else { return nil }
            return try await node.hasher.matches(request.secret, user) ? user : nil
        }
        guard let user else { throw Refusal(.unauthenticated, "wrong name or password") }
        return try await newSession(for: user, label: request.label, requestId: nil, in: partition)
    }

    /// Looks at a secret if the account and the caller's address have tries left. The attempt is settled however it
    /// ends; a secret that was looked at counts even when nobody waits for the answer any more (rule G1).
    /// - Parameter prove: the user as it was when it proved itself; nil when it did not.
    private func throttled(
        _ account: Id, _ context: CallContext, _ prove: () async throws -> UserRow?
    ) async throws -> UserRow? {
        let (throttle, account, address) = (node.throttle, account.rawValue, context.call.peer.remoteAddress)
        do {
            try throttle.begin(account: account, address: address, nowMs: node.clock.nowMs())
        } catch {
            throw Self.refusal(error)
        }
        var result = LoginThrottle.Result.unknown
        defer { throttle.settle(result, account: account, address: address, nowMs: node.clock.nowMs()) }
        let user = try await prove()
        result = user == nil ? .failed : .proven
        return user
    }

    private static func refusal(_ error: LoginThrottle.Refused) -> Refusal {
        switch error {
        case .blocked(let waitMs):
            Refusal(
                .resourceExhausted, "too many failed attempts: wait \((waitMs + 999) / 1000) s",
                retryAfterMs: UInt32(truncatingIfNeeded: waitMs))
        case .crowded:
            Refusal(.resourceExhausted, "too many attempts at once: try again", retryAfterMs: 1000)
        }
    }

    /// The same session, for its whole lifetime again.
    func renew(_ request: Empty, _ context: CallContext) async throws -> SessionReply {
        let caller = try await node.caller(context)
        let lifetime = UInt64(node.config.limits.sessionDays) * 24 * 3600 * 1000
        let key = Rows.session(caller.session.id, of: caller.id)
        let command = Command(requestId: nil, latches: [Latches.sessions(caller.id)]) { evaluation in
            guard var row = try evaluation.rows.message(SessionRow.self, .sessions, key) else {
                throw SessionRefusal.revoked
            }
            row.expiresMs = evaluation.nowMs + lifetime
            evaluation.rows.put(.sessions, key, row)
            return row.encode()
        }
        let row = try SessionRow.decode(try await caller.partition.execute(command).answer)
        return reply(for: row, user: caller.id, name: caller.name, region: caller.user.region)
    }

    func logout(_ request: Empty, _ context: CallContext) async throws -> Empty {
        if try await node.wasDone(context) { return Empty() }
        let caller = try await node.caller(context)
        let key = Rows.session(caller.session.id, of: caller.id)
        let command = Command(requestId: try context.requestId(of: caller.id), latches: [Latches.sessions(caller.id)]) {
            evaluation in
            evaluation.rows.delete(.sessions, key)
            return []
        }
        _ = try await caller.partition.execute(command)
        return Empty()
    }

    func sessions(_ request: Empty, _ context: CallContext) async throws -> SessionsReply {
        let caller = try await node.caller(context)
        let now = node.clock.nowMs()
        let rows = try await caller.partition.read { try Self.sessions(of: caller.id, in: $0) }
        return .with {
            $0.sessions = rows.filter { $0.expiresMs > now }.map { row in
                .with {
                    $0.id = row.id
                    $0.createdMs = row.createdMs
                    $0.expiresMs = row.expiresMs
                    $0.label = row.label
                    $0.current = row.id == caller.session.id
                }
            }
        }
    }

    static func sessions(of user: Id, in rows: any Reader) throws -> [SessionRow] {
        let prefix = Rows.sessions(of: user)
        return try rows.rows(.sessions, from: prefix.bytes, to: prefix.prefixEnd).map {
            try SessionRow.decode($0.value)
        }
    }

    /// Ends one session, or with 0 all but the caller's.
    func revoke(_ request: RevokeRequest, _ context: CallContext) async throws -> Empty {
        if try await node.wasDone(context) { return Empty() }
        let caller = try await node.caller(context)
        let command = Command(requestId: try context.requestId(of: caller.id), latches: [Latches.sessions(caller.id)]) {
            evaluation in
            let ends = try Self.sessions(of: caller.id, in: evaluation.rows).filter {
                request.sessionId == 0 ? $0.id != caller.session.id : $0.id == request.sessionId
            }
            guard request.sessionId == 0 || !ends.isEmpty else {
                throw Refusal(.notFound, "you have no session \(request.sessionId)")
            }
            for row in ends { evaluation.rows.delete(.sessions, Rows.session(row.id, of: caller.id)) }
            return []
        }
        _ = try await caller.partition.execute(command)
        return Empty()
    }

    /// A new password ends every other session.
    func changePassword(_ request: ChangePasswordRequest, _ context: CallContext) async throws -> SessionReply {
        let caller = try await node.caller(context)
        let requestId = try context.requestId(of: caller.id)
        try SecretHasher.validate(request.newSecret, kind: .secretPassword)
        try await proveAgain(request.oldSecret, caller, requestId, context)
        let salt = randomBytes(SecretHasher.saltBytes)
        let hash = try await node.hasher.hash(request.newSecret, kind: .secretPassword, salt: salt)
        let latches = [Latches.user(caller.id, exclusive: true), Latches.sessions(caller.id)]
        let command = Command(requestId: requestId, latches: latches) { evaluation in
            guard var row = try evaluation.rows.message(UserRow.self, .users, Rows.user(caller.id)),
                row.secretHash == caller.user.secretHash
            else { throw Refusal(.aborted, "the password was changed meanwhile") }
            row.secretKind = .secretPassword
            row.secretSalt = salt
            row.secretHash = hash
            evaluation.rows.put(.users, Rows.user(caller.id), row)
            for session in try Self.sessions(of: caller.id, in: evaluation.rows) where session.id != caller.session.id {
                evaluation.rows.delete(.sessions, Rows.session(session.id, of: caller.id))
            }
            return []
        }
        _ = try await caller.partition.execute(command)
        return reply(for: caller.session, user: caller.id, name: caller.name, region: caller.user.region)
    }

    /// A repeated request has proven the old password already, which is no longer the stored one.
    private func proveAgain(
        _ secret: [UInt8], _ caller: Caller, _ requestId: RequestId, _ context: CallContext
    ) async throws {
        guard try await caller.partition.remembered(requestId) == nil else { return }
        let proven = try await throttled(caller.id, context) {
            try await node.hasher.matches(secret, caller.user) ? caller.user : nil
        }
        guard proven != nil else { throw Refusal(.unauthenticated, "the old password is wrong") }
    }
}
