import Cluster
import Logging
import Messages
import NIOCore
import NIOPosix
import Replication
import Storage
import Testing

/// What a node gives its partitions, over a store that the test keeps. The store outlives it: a new node over the same
/// store is a restart.
final class TestNode: Sendable {
    static let name: NodeId = "n1"

    let store: any Store
    let clock: TestClock
    private let log: GroupLog
    private let context: PartitionContext

    init(
        over store: any Store, clock: TestClock = TestClock(), settings: Partition.Settings = .init(),
        pool: NIOThreadPool = .singleton, observers: [any AppliedObserver] = [],
        hasNews: @escaping @Sendable (PartitionId, [PartitionId]) -> Void = { _, _ in },
        fatal: @escaping @Sendable (any Error) -> Void = { Issue.record("the node failed: \($0)") }
    ) {
        self.store = store
        self.clock = clock
        log = GroupLog(store: store, fatal: fatal)
        context = PartitionContext(
            node: Self.name, loop: MultiThreadedEventLoopGroup.singleton.next(), store: store, log: log, pool: pool,
            clock: clock, handler: Tally(), observers: observers,
            logger: Logger(label: "replication tests") { _ in SwiftLogNoOpLogHandler() }, settings: settings,
            hasNews: hasNews)
    }

    func start(_ partition: PartitionId = .home, epoch: UInt64) async throws -> Partition {
        try await context.start(partition, epoch: epoch, members: [Self.name])
    }

    /// Ends the node in order; what a crash leaves is `ForgetfulStore`'s business.
    func stop(_ partitions: Partition...) async throws {
        for partition in partitions { await partition.stop() }
        try await log.close()
    }
}

/// Starts a partition over `store`, lets `story` use it, and stops it again.
@discardableResult
func withPartition<Value: Sendable>(
    over store: any Store, epoch: UInt64 = 1, clock: TestClock = TestClock(), settings: Partition.Settings = .init(),
    _ story: (Partition) async throws -> Value
) async throws -> Value {
    let node = TestNode(over: store, clock: clock, settings: settings)
    let partition: Partition
    do {
        partition = try await node.start(epoch: epoch)
    } catch {
        try await node.stop()
        throw error
    }
    let result: Result<Value, any Error>
    do { result = .success(try await story(partition)) } catch { result = .failure(error) }
    try await node.stop(partition)
    return try result.get()
}

extension PartitionId {
    /// The partition most stories are about.
    static let home = PartitionId(1)
}
