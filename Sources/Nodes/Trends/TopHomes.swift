import Cluster
import Logging
import Messages
import Replication
import Sketches
import Storage
import Synchronization

/// The rankings of all partitions that this node leads: an observer of their logs.
final class TopHomes: AppliedObserver {
    private let homes = Mutex<[PartitionId: TopHome]>([:])
    private let partitioning: Partitioning
    private let store: any Store
    private let pool: QuestionPool
    private let clock: any WallClock
    private let seed: UInt64
    private let logger: Logger

    /// - Parameter seed: of the sketches of all partitions; by chance, so that nobody can choose words that collide.
    init(
        partitioning: Partitioning, store: any Store, pool: QuestionPool, clock: any WallClock, seed: UInt64,
        logger: Logger
    ) {
        self.partitioning = partitioning
        self.store = store
        self.pool = pool
        self.clock = clock
        self.seed = seed
        self.logger = logger
    }

    func home(_ partition: PartitionId) -> TopHome {
        homes.withLock { homes in
            if let home = homes[partition] { return home }
            let home = TopHome(partition: partition, partitioning: partitioning, seed: seed)
            homes[partition] = home
            return home
        }
    }

    func applied(_ entry: LogEntry, in partition: Partition) throws {
        let home = home(partition.id)
        guard try home.applied(entry) else { return }
        pool.work { [self] in
            do {
                try home.ask(store, nowMs: clock.nowMs()) { _, _ in }
            } catch {
                logger.warning("rankings wait", metadata: ["partition": "\(partition.id)", "error": "\(error)"])
            }
        }
    }

    /// Rankings are made anew from the rows after a restart.
    func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64 { appliedIndex }

    /// The words in most tweets of several partitions, added up off the event loops: the largest `limit`.
    /// - Throws: `CancellationError` when the calling task was cancelled meanwhile.
    func terms(
        in partitions: [PartitionId], window: TopWindow, limit: Int
    ) async throws -> MergedCounters<String> {
        let homes = partitions.map(home)
        let (store, nowMs) = (store, clock.nowMs())
        return try await pool.answer { asker in
            let sketches = try homes.flatMap { home in
                try asker.check()
                home.countTerms()
                return try home.ask(store, nowMs: nowMs) { try $0.termSketches(in: window, nowMs: nowMs, $1) }
            }
            return MergedCounters(sketches, keeping: limit)
        }
    }

    /// Asks several homes, one after the other, off the event loops.
    /// - Parameter merge: makes one of their answers, with rows that are no older than the answers.
    /// - Throws: `CancellationError` when the calling task was cancelled meanwhile.
    func ask<Answer: Sendable, Merged: Sendable>(
        _ partitions: [PartitionId],
        _ question: @escaping @Sendable (inout TopRankings, any Reader, _ nowMs: UInt64) throws -> Answer,
        merging merge: @escaping @Sendable ([Answer], any Reader) throws -> Merged
    ) async throws -> Merged {
        let homes = partitions.map(home)
        let (store, nowMs) = (store, clock.nowMs())
        return try await pool.answer { asker in
            let answers = try homes.map { home in
                try asker.check()
                return try home.ask(store, nowMs: nowMs) { try question(&$0, $1, nowMs) }
            }
            return try merge(answers, store.snapshot())
        }
    }
}
