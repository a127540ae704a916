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
        let pending: Outcome
        if let known {
            pending = known
        } else {
            pending = try await pendingUser(request, region: region, pendingId, in: partition)
        }
        let user = Id(rawValue: try ResolveReply.decode(pending.answer).userId)
        try await activation(of: user, name: request.name, in: partition, context)
        let row = try await registered(user, request, mustProve: pending.wasRemembered, in: partition)
        return try await newSession(for: row, label: request.label, requestId: requestId.derived(2), in: partition)
    }

    /// The user this request made before, if it was carried out before.
    /// - Throws: when the name is taken by somebody else: before a second is spent on hashing, and before anything is
    ///   logged. In the end the claim decides.
    private func known(
        _ requestId: RequestId, _ request: RegisterRequest, in partition: Partition, _ context: CallContext
    ) async throws -> Outcome? {
        if let known = try await partition.remembered(requestId) { return known }
        let place = node.partitioning.partition(ofName: Username.folded(request.name))
        let owner = try await node.ask(ownerOf: place, .resolve, .with { $0.name = request.name }, context)
        guard owner.userId != 0 else { return nil }
        // It may be this request's own first try that has the name by now; that one is remembered before it claims.
        if let known = try await partition.remembered(requestId) { return known }
        throw Self.nameTaken(request.name)
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
    ) async throws -> Outcome {
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
        return try await partition.execute(command)
    }

    func randomBytes(_ count: Int) -> [UInt8] {
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
}
