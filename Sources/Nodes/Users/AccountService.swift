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
        let known = try await known(pendingId, request, in: partition, context)
        let user: Id
        if let known {
            user = known
        } else {
            user = try await pendingUser(request, region: region, pendingId, in: partition)
        }
        try await activation(of: user, name: request.name, in: partition, context)
        let row = try await registered(user, request, mustProve: known != nil, in: partition)
        return try await newSession(for: row, label: request.label, requestId: requestId.derived(2), in: partition)
    }

    /// The user this request made before, if it was carried out before.
    /// - Throws: when the name is taken by somebody else: before a second is spent on hashing, and before anything is
    ///   logged. In the end the claim decides.
    private func known(
        _ requestId: RequestId, _ request: RegisterRequest, in partition: Partition, _ context: CallContext
    ) async throws -> Id? {
        if let known = try await partition.remembered(requestId) { return try Self.user(in: known) }
        let place = node.partitioning.partition(ofName: Username.folded(request.name))
        let owner = try await node.ask(ownerOf: place, .resolve, .with { $0.name = request.name }, context)
        guard owner.userId != 0 else { return nil }
        // It may be this request's own first try that has the name by now; that one is remembered before it claims.
        if let known = try await partition.remembered(requestId) { return try Self.user(in: known) }
        throw Self.nameTaken(request.name)
    }

    private static func user(in outcome: Outcome) throws -> Id {
        Id(rawValue: try ResolveReply.decode(outcome.answer).userId)
    }

    /// A repeated request gets a session only with the name and the secret it was first made with.
    private func registered(
        _ user: Id, _ request: RegisterRequest, mustProve: Bool, in partition: Partition
    ) async throws -> UserRow {
        let row = try await partition.read { try $0.message(UserRow.self, .users, Rows.user(user)) }
        guard let row, Username.folded(row.name) == Username.folded(request.name) else {
            throw Refusal(.invalidArgument, "this request id belongs to another registration")
        }
        if !mustProve { return row }
        guard try await node.hasher.matches(request.secret, row) else {
            throw Refusal(.unauthenticated, "this request id belongs to a registration with another password")
        }
        return row
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

    private static func nameTaken(_ name: String) -> Refusal {
        Refusal(.alreadyExists, "the name @\(name) is taken")
    }

    private func pendingUser(
        _ request: RegisterRequest, region: Cluster.RegionRange, _ requestId: RequestId, in partition: Partition
    ) async throws -> Id {
        let salt = randomBytes(SecretHasher.saltBytes)
        let hash = try await node.hasher.hash(request.secret, kind: request.secretKind, salt: salt)
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
        return try Self.user(in: try await partition.execute(command))
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

    static let maxSessions = 100

    /// - Parameter user: as it was when it proved itself; if its secret has changed since, the proof is void.
    private func newSession(
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
        return try await newSession(for: user, label: request.label, requestId: nil, in: partition)
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
