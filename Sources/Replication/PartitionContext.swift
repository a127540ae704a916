import Cluster
import Logging
import Messages
import NIOCore
import NIOPosix
import Storage

/// What all partitions of a node share, and the start of one.
public struct PartitionContext: Sendable {
    public var node: NodeId
    public var loop: any EventLoop
    public var store: any Store
    public var log: GroupLog
    /// Evaluates commands and reads rows.
    public var pool: NIOThreadPool
    public var clock: any WallClock
    public var handler: any EventHandler
    public var observers: [any AppliedObserver]
    public var logger: Logger
    public var settings: Partition.Settings
    public var hasNews: @Sendable (_ source: PartitionId, _ destinations: [PartitionId]) -> Void

    public init(
        node: NodeId, loop: any EventLoop, store: any Store, log: GroupLog, pool: NIOThreadPool, clock: any WallClock,
        handler: any EventHandler, observers: [any AppliedObserver] = [], logger: Logger,
        settings: Partition.Settings = .init(),
        hasNews: @escaping @Sendable (_ source: PartitionId, _ destinations: [PartitionId]) -> Void
    ) {
        self.node = node
        self.loop = loop
        self.store = store
        self.log = log
        self.pool = pool
        self.clock = clock
        self.handler = handler
        self.observers = observers
        self.logger = logger
        self.settings = settings
        self.hasNews = hasNews
    }

    /// Brings a partition back from what is stored, and serves it.
    /// - Parameters:
    ///   - epoch: from the keeper, above every earlier one.
    ///   - members: of the last confirmed configuration.
    /// - Throws: `ReplicationError.corrupt`, or what storage throws.
    public func start(_ partition: PartitionId, epoch: UInt64, members: [NodeId]) async throws -> Partition {
        let (store, node, clock) = (store, node, clock)
        let recovered = try await pool.runIfActive {
            try Recovery(store: store, node: node, partition: partition, nowMs: clock.nowMs())
                .run(epoch: epoch, members: members)
        }
        let started = Partition(recovered: recovered, context: self)
        try await started.replay(recovered.entries)
        return started
    }
}
