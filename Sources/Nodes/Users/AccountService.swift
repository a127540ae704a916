import Cluster
import Messages
import NIOCore
import RPC
import Replication
import Storage

/// Accounts and their sessions: F1, rules A3 and G1.
struct AccountService: Sendable {
    let node: NodeContext

    static let maxLabelBytes = 100

    // MARK: Registering

    /// A request id picks a partition of the home region, which logs a pending user; its stream claims the name; the
    /// answer activates or erases the pending user. Success is answered after activation (rule A3).
    func register(_ request: RegisterRequest, _ context: CallContext) async throws -> SessionReply {
        let requestId = try context.requestId
        let region = try region(named: request.region)
        let place = node.partitioning.homePartition(request: requestId, region: region)
        let partition = try node.owned(place)
        try validate(request)

        let pendingId = requestId.derived(1)
        let known = try await partition.remembered(pendingId)
        // Before a second is spent on hashing, and before anything is logged. The claim decides.
        if known == nil { try await refuseTakenName(request.name, context) }
        let user = try await pendingUser(request, region: region, pendingId, in: partition, isKnown: known != nil)
        try await activation(of: user, name: request.name, in: partition, context)
        return try await newSession(
            for: user, name: request.name, region: region.name, label: request.label,
            requestId: requestId.derived(2), in: partition)
    }

    private func region(named name: String) throws -> Cluster.RegionRange {
        if name.isEmpty, let first = node.partitioning.regions.first { return first }
        guard let region = node.partitioning.region(named: name) else {
            let known = node.partitioning.regions.map(\.name).joined(separator: ", ")
            throw Refusal(.invalidArgument, "there is no region \"\(name)\": this cluster has \(known)")
        }
        return region
    }

    private func validate(_ request: RegisterRequest) throws {
        do {
            try Username.validate(request.name)
        } catch {
            throw Refusal(.invalidArgument, "\(error)")
        }
        try SecretHasher.validate(request.secret, kind: request.secretKind)
        try Self.validate(label: request.label)
    }

    static func validate(label: String) throws {
        guard label.utf8.count <= maxLabelBytes else {
            throw Refusal(.invalidArgument, "a session's label has at most \(maxLabelBytes) bytes")
        }
    }

    private func refuseTakenName(_ name: String, _ context: CallContext) async throws {
        let place = node.partitioning.partition(ofName: Username.folded(name))
        let taken = try await node.ask(ownerOf: place, .resolve, .with { $0.name = name }, context)
        if taken.userId != 0 { throw Self.nameTaken(name) }
    }

    private static func nameTaken(_ name: String) -> Refusal {
        Refusal(.alreadyExists, "the name @\(name) is taken")
    }

    private func pendingUser(
        _ request: RegisterRequest, region: Cluster.RegionRange, _ requestId: RequestId, in partition: Partition,
        isKnown: Bool
    ) async throws -> Id {
        let salt = randomBytes(SecretHasher.saltBytes)
        // A repeated request gets its remembered answer; its hash would be thrown away.
        let hash = isKnown ? [] : try await node.hasher.hash(request.secret, kind: request.secretKind, salt: salt)
        let namePlace = node.partitioning.partition(ofName: Username.folded(request.name))
        let command = Command(requestId: requestId, latches: [], newIds: 1) { evaluation in
            let id = evaluation.ids[0]
            let row = UserRow.with {
                $0.id = id.rawValue
                $0.name = request.name
                $0.state = .userPending
                $0.region = region.name
                $0.secretKind = request.secretKind
                $0.secretSalt = salt
                $0.secretHash = hash
                $0.createdMs = evaluation.nowMs
            }
            evaluation.rows.put(.users, Rows.user(id), row)
            evaluation.tell(
                namePlace, .eventNameClaim,
                NameClaim.with {
                    $0.name = request.name
                    $0.userId = id.rawValue
                })
            return ResolveReply.with { $0.userId = id.rawValue }.encode()
        }
        let outcome = try await partition.execute(command)
        return Id(rawValue: try ResolveReply.decode(outcome.answer).userId)
    }

    private func randomBytes(_ count: Int) -> [UInt8] {
        (0..<(count + 7) / 8).flatMap { _ in withUnsafeBytes(of: node.random()) { Array($0) } }.prefix(count).map { $0 }
    }

    private func activation(of user: Id, name: String, in partition: Partition, _ context: CallContext) async throws {
        let state: @Sendable () async throws -> UserState = {
            try await partition.read { try $0.message(UserRow.self, .users, Rows.user(user))?.state ?? .userNone }
        }
        await node.settled.wait(for: user.rawValue, on: partition.eventLoop, until: context.deadline) {
            // A failing read is repeated, and reported, below.
            guard let state = try? await state() else { return true }
            return state != .userPending
        }
        switch try await state() {
        case .userActive: return
        case .userPending:
            throw RPCError(
                .deadlineExceeded, "@\(name) is being registered; ask again with the same request", ran: .unknown,
                retryable: true)
        case .userNone, .userErased: throw Self.nameTaken(name)
        }
    }

    // MARK: Sessions

    private func newSession(
        for user: Id, name: String, region: String, label: String, requestId: RequestId?,
        in partition: Partition
    ) async throws -> SessionReply {
        let lifetime = UInt64(node.config.limits.sessionDays) * 24 * 3600 * 1000
        let command = Command(requestId: requestId, latches: [Latches.sessions(user)], newIds: 1) { evaluation in
            let row = SessionRow.with {
                $0.id = evaluation.ids[0].rawValue
                $0.createdMs = evaluation.nowMs
                $0.expiresMs = evaluation.nowMs + lifetime
                $0.label = label
            }
            evaluation.rows.put(.sessions, Rows.session(row.id, of: user), row)
            return row.encode()
        }
        let row = try SessionRow.decode(try await partition.execute(command).answer)
        return reply(for: row, user: user, name: name, region: region)
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
        let (address, now) = (context.call.peer.remoteAddress, node.clock.nowMs())
        let wait = node.throttle.wait(account: id.rawValue, address: address, nowMs: now)
        guard wait == 0 else {
            throw Refusal(
                .resourceExhausted, "too many failed attempts: wait \((wait + 999) / 1000) s",
                retryAfterMs: UInt32(truncatingIfNeeded: wait))
        }
        let user = try await partition.read { try $0.message(UserRow.self, .users, Rows.user(id)) }
        guard let user, user.state == .userActive, try await node.hasher.matches(request.secret, user) else {
            node.throttle.failed(account: id.rawValue, address: address, nowMs: now)
            throw Refusal(.unauthenticated, "wrong name or password")
        }
        node.throttle.succeeded(account: id.rawValue)
        return try await newSession(
            for: id, name: user.name, region: user.region, label: request.label, requestId: nil,
            in: partition)
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
        let caller = try await node.caller(context)
        let key = Rows.session(caller.session.id, of: caller.id)
        let command = Command(requestId: try context.requestId, latches: [Latches.sessions(caller.id)]) { evaluation in
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
        let caller = try await node.caller(context)
        let command = Command(requestId: try context.requestId, latches: [Latches.sessions(caller.id)]) { evaluation in
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
        let requestId = try context.requestId
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
        let (address, now) = (context.call.peer.remoteAddress, node.clock.nowMs())
        let wait = node.throttle.wait(account: caller.id.rawValue, address: address, nowMs: now)
        guard wait == 0 else {
            throw Refusal(
                .resourceExhausted, "too many failed attempts: wait \((wait + 999) / 1000) s",
                retryAfterMs: UInt32(truncatingIfNeeded: wait))
        }
        guard try await node.hasher.matches(secret, caller.user) else {
            node.throttle.failed(account: caller.id.rawValue, address: address, nowMs: now)
            throw Refusal(.unauthenticated, "the old password is wrong")
        }
    }
}
