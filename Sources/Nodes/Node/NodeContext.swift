import Cluster
import Logging
import Messages
import NIOCore
import RPC
import Replication
import Storage
import Synchronization

/// What the services of one node share.
final class NodeContext: Sendable {
    let config: ClusterConfig
    let id: NodeId
    let partitioning: Partitioning
    let clock: any WallClock
    let random: @Sendable () -> UInt64
    let signer: TokenSigner
    let hasher: SecretHasher
    let throttle: LoginThrottle
    let settled: RegistrationWaiters
    let views: ViewCounter
    let sessions = SessionCache()
    let logger: Logger
    private let state: Mutex<State>

    private struct State: Sendable {
        var map: ClusterMap
        var partitions: [PartitionId: Partition] = [:]
        var channels: [NodeId: RPC.Channel] = [:]
    }

    init(
        config: ClusterConfig, id: NodeId, map: ClusterMap, clock: any WallClock,
        random: @escaping @Sendable () -> UInt64, secret: [UInt8], hasher: SecretHasher, logger: Logger
    ) {
        self.config = config
        self.id = id
        self.clock = clock
        self.random = random
        self.hasher = hasher
        self.logger = logger
        partitioning = map.partitioning
        throttle = LoginThrottle(freeFailures: config.limits.loginAttemptsPerMinute)
        signer = TokenSigner(secret: secret)
        settled = RegistrationWaiters()
        views = ViewCounter(boot: random())
        state = Mutex(State(map: map))
    }

    func attach(partitions: [Partition]) {
        state.withLock { state in
            for partition in partitions { state.partitions[partition.id] = partition }
        }
    }

    func attach(channels: [NodeId: RPC.Channel]) {
        state.withLock { $0.channels = channels }
    }

    var map: ClusterMap { state.withLock { $0.map } }

    /// All regions' names, in the configuration's order.
    var regionNames: [String] { partitioning.regions.map(\.name) }

    /// The region this node stands in.
    var ownRegion: String { config.node(id)?.region ?? "" }

    var partitions: [Partition] { state.withLock { $0.partitions.values.sorted { $0.id < $1.id } } }

    func partition(_ id: PartitionId) -> Partition? { state.withLock { $0.partitions[id] } }

    func channel(to node: NodeId) -> RPC.Channel? { state.withLock { $0.channels[node] } }

    /// The partition, if this node leads it.
    /// - Throws: `RPCError` that carries the owner's row, so that the caller can go there.
    func owned(_ partition: PartitionId) throws -> Partition {
        if let owned = self.partition(partition) { return owned }
        throw wrongOwner(of: partition)
    }

    /// The partitions that a call names, each once, if this node leads all of them.
    func owned(_ named: [UInt32]) throws -> [Partition] {
        try Set(named).sorted().map { number in
            guard let number = UInt16(exactly: number) else {
                throw Refusal(.invalidArgument, "this cluster has no partition \(number)")
            }
            return try owned(PartitionId(number))
        }
    }

    func owner(of partition: PartitionId) -> NodeId? { state.withLock { $0.map.owner(of: partition)?.id } }

    func wrongOwner(of partition: PartitionId) -> RPCError {
        guard partitioning.contains(partition), let row = map.row(of: partition) else {
            return RPCError(.invalidArgument, "this cluster has no partition \(partition)", ran: .no)
        }
        let details = RefusalDetails.with { $0.owner = .init(row) }
        return RPCError(
            .unavailable, "partition \(partition) is served by \(row.primary), not by \(id)", ran: .no, retryable: true,
            details: details.encode())
    }

    // MARK: Ids from outside

    /// - Throws: NOT_FOUND for what cannot be the id of a tweet of this cluster.
    func tweetId(_ raw: UInt64) throws -> Id {
        let id = Id(rawValue: raw)
        guard raw != 0, partitioning.contains(id.partition) else { throw Refusal.noSuchTweet(raw) }
        return id
    }

    func userId(_ raw: UInt64) throws -> Id {
        let id = Id(rawValue: raw)
        guard raw != 0, partitioning.contains(id.partition) else { throw Refusal.noSuchUser(raw) }
        return id
    }

    /// The region whose partitions hold this one.
    func region(of partition: PartitionId) -> Cluster.RegionRange {
        guard let region = partitioning.region(of: partition) else {
            preconditionFailure("partition \(partition) lies in no region")
        }
        return region
    }

    // MARK: A session's own writes

    /// Waits until what the caller's session wrote elsewhere has arrived in this node's partitions.
    func catchUp(_ context: CallContext) async throws {
        guard !context.seen.isEmpty, context.call.peer.role == .peer || !context.call.session.isEmpty else { return }
        let deadline = min(context.deadline, .now() + CallContext.catchUpTime)
        for seen in context.seen.prefix(64) {
            let destination = PartitionId(UInt16(truncatingIfNeeded: seen.destination))
            let source = PartitionId(UInt16(truncatingIfNeeded: seen.source))
            guard partitioning.contains(source), let partition = partition(destination) else { continue }
            try await partition.waitFor(
                source, incarnation: seen.incarnation, index: seen.index, deadline: deadline)
        }
    }
}

extension Messages.PartitionRow {
    init(_ row: Cluster.PartitionRow) {
        self.init()
        partition = UInt32(row.partition.rawValue)
        region = row.region
        epoch = row.epoch
        primary = row.primary.rawValue
        members = row.members.map(\.rawValue)
        learners = row.learners.map(\.rawValue)
        revision = row.revision
    }
}
