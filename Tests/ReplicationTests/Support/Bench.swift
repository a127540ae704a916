import Cluster
import Logging
import Messages
import NIOCore
import NIOPosix
import Replication
import Storage
import Synchronization

/// A clock that is set by hand.
final class HandClock: WallClock {
    private let ms: Mutex<UInt64>

    init(_ ms: UInt64 = Id.epochMs + 1_000_000_000) { self.ms = Mutex(ms) }

    func nowMs() -> UInt64 { ms.withLock { $0 } }
    func monotonicNs() -> UInt64 { nowMs() * 1_000_000 }
    func set(_ value: UInt64) { ms.withLock { $0 = value } }
    func advance(_ by: UInt64) { ms.withLock { $0 += by } }
}

/// Counts what it is told, in the rows that the commands of these tests use.
struct CountingHandler: EventHandler {
    func latches(for event: StreamEvent, from source: PartitionId) throws -> [Latch] { [] }

    func handle(_ event: StreamEvent, from source: PartitionId, in evaluation: Evaluation) throws {
        try evaluation.rows.merge(.counts, Bench.key(evaluation.partition, "heard"), delta: 1)
    }
}

/// What a partition stands on, and the commands of these tests.
struct Bench {
    static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        return pool
    }()

    let store: any Store
    let clock: HandClock
    let log: GroupLog
    let context: PartitionContext
    let failed: FirstFailure

    /// The first failure of the disk, if there was one.
    final class FirstFailure: Sendable {
        private let failure = Mutex<(any Error)?>(nil)
        var error: (any Error)? { failure.withLock { $0 } }
        func note(_ error: any Error) { failure.withLock { if $0 == nil { $0 = error } } }
    }

    init(_ store: any Store, clock: HandClock = HandClock(), keepEntries: UInt64 = .max) {
        self.store = store
        self.clock = clock
        let failed = FirstFailure()
        self.failed = failed
        log = GroupLog(store: store) { failed.note($0) }
        var settings = Partition.Settings()
        settings.keepEntries = keepEntries
        context = PartitionContext(
            node: "n1", loop: MultiThreadedEventLoopGroup.singleton.next(), store: store, log: log, pool: Self.pool,
            clock: clock, handler: CountingHandler(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), settings: settings
        ) { _, _ in }
    }

    func start(_ partition: UInt16 = 1, epoch: UInt64) async throws -> Partition {
        try await context.start(PartitionId(partition), epoch: epoch, members: ["n1"])
    }

    static func key(_ partition: PartitionId, _ name: String) -> [UInt8] {
        Key(partition: partition.rawValue).appending(Array(name.utf8)).bytes
    }

    /// Adds one to a merged count, and answers with the name.
    static func count(_ name: String, request: RequestId?) -> Command {
        Command(requestId: request, latches: []) { evaluation in
            try evaluation.rows.merge(.counts, key(evaluation.partition, name), delta: 1)
            return Array(name.utf8)
        }
    }

    /// Reads a number, and writes one more: right only under its latch.
    static func increment(_ name: String) -> Command {
        Command(requestId: nil, latches: [.write(1, 1)]) { evaluation in
            let key = key(evaluation.partition, name)
            let before = try evaluation.rows.get(.users, key)?.first ?? 0
            evaluation.rows.put(.users, key, [before + 1])
            return [before + 1]
        }
    }
}
