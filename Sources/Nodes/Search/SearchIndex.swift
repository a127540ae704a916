import Cluster
import Logging
import Messages
import Replication
import Storage
import Synchronization

/// The search indexes of all partitions that this node leads: an observer of their logs.
final class SearchIndex: AppliedObserver {
    private let partitions = Mutex<[PartitionId: PartitionSearch]>([:])
    private let store: any Store
    private let pool: QuestionPool
    private let segmentCapacity: Int
    private let logger: Logger
    private let fatal: @Sendable (any Error) -> Void

    /// - Parameters:
    ///   - pool: what indexes and searches.
    ///   - segmentCapacity: tweets a block.
    ///   - fatal: a block could not be written; the process must end (rule C9).
    init(
        store: any Store, pool: QuestionPool, segmentCapacity: Int, logger: Logger,
        fatal: @escaping @Sendable (any Error) -> Void
    ) {
        self.store = store
        self.pool = pool
        self.segmentCapacity = segmentCapacity
        self.logger = logger
        self.fatal = fatal
    }

    func search(in partition: PartitionId) -> PartitionSearch {
        partitions.withLock { partitions in
            if let search = partitions[partition] { return search }
            let search = PartitionSearch(
                partition, store: store, segmentCapacity: segmentCapacity, damaged: tell, fatal: fatal)
            partitions[partition] = search
            return search
        }
    }

    @Sendable private func tell(_ damage: DamagedBlock) {
        logger.error(
            "a block of the search index cannot be read: it and those behind it are made anew from their tweets",
            metadata: [
                "partition": "\(damage.partition)", "block": "\(damage.minId)", "error": "\(damage.reason)",
            ])
    }

    func applied(_ entry: LogEntry, in partition: Partition) throws {
        let search = search(in: partition.id)
        guard try search.applied(entry) else { return }
        pool.work { [self] in
            do {
                try search.catchUp()
            } catch {
                logger.error(
                    "tweets wait for the index", metadata: ["partition": "\(partition.id)", "error": "\(error)"])
            }
        }
    }

    /// What is not in a stored block is read from the tweets' rows after a restart.
    func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64 { appliedIndex }

    /// Runs a question over the indexes of several partitions off the event loops, with a snapshot in which the rows of
    /// everything that the indexes hold are.
    /// - Throws: `CancellationError` when the calling task was cancelled meanwhile.
    func ask<Answer: Sendable>(
        _ partitions: [PartitionId],
        _ question: @escaping @Sendable ([(PartitionId, PartitionIndex)], any Reader, Asker) throws -> Answer
    ) async throws -> Answer {
        let (searches, store) = (partitions.map(search), store)
        return try await pool.answer { asker in
            var mended = 0
            while true {
                let indexes = try searches.map { search in
                    try asker.check()
                    return (search.partition, try search.current())
                }
                do {
                    return try question(indexes, store.snapshot(), asker)
                } catch let damage as DamagedBlock where mended < Self.mendedAtMost {
                    mended += 1
                    for (search, index) in zip(searches, indexes) where search.partition == damage.partition {
                        try search.giveUp(damage, of: index.1)
                    }
                }
            }
        }
    }

    /// Blocks that are given up for one question. A disk on which there are more is beyond help.
    private static let mendedAtMost = 64
}
