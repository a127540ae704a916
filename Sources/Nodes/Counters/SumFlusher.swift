import Cluster
import Logging
import Messages
import NIOCore
import Replication
import Storage
import Synchronization

/// Sends sums on their way: partition → the region's home of that tweet → the tweet's own partition (rule F1).
///
/// A like writes a count and a note. This observer of the log collects the notes and, a moment later, has the partition
/// log one entry that tells the next level the tweets' cumulative sums as of the applied index; so a hot tweet costs
/// one event a moment, and what is told twice changes nothing. After a restart the notes that are still in the log
/// are seen again.
final class SumFlusher: AppliedObserver {
    struct Dirty: Sendable {
        /// Tweet → the oldest entry whose change has not been told.
        var partition: [UInt64: UInt64] = [:]
        var region: [UInt64: UInt64] = [:]
        var isScheduled = false
        /// The oldest index among what is being told now.
        var inFlightFloor: UInt64?

        var floor: UInt64? {
            [partition.values.min(), region.values.min(), inFlightFloor].compactMap { $0 }.min()
        }
    }

    private let dirty = Mutex<[PartitionId: Dirty]>([:])
    private let partitioning: Partitioning
    private let interval: TimeAmount
    private let logger: Logger

    /// - Parameter interval: how long changes are collected before they are told; 20–50 ms.
    init(partitioning: Partitioning, interval: TimeAmount = .milliseconds(25), logger: Logger) {
        self.partitioning = partitioning
        self.interval = interval
        self.logger = logger
    }

    func applied(_ entry: LogEntry, in partition: Partition) throws {
        let notes = entry.events.filter { $0.destination == Event.observersOnly }
        guard !notes.isEmpty else { return }
        let mustSchedule = try dirty.withLock { all in
            var mine = all[partition.id] ?? Dirty()
            for note in notes { try mine.take(note, index: entry.index, in: partition.id) }
            guard !mine.isScheduled, !(mine.partition.isEmpty && mine.region.isEmpty) else {
                all[partition.id] = mine
                return false
            }
            mine.isScheduled = true
            all[partition.id] = mine
            return true
        }
        if mustSchedule { schedule(partition) }
    }

    func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64 {
        dirty.withLock { $0[partition]?.floor.map { $0 - 1 } } ?? appliedIndex
    }

    /// Changes that have not been told yet.
    func backlog(in partition: PartitionId) -> Int {
        dirty.withLock { all in
            all[partition].map { $0.partition.count + $0.region.count + ($0.inFlightFloor == nil ? 0 : 1) } ?? 0
        }
    }

    private func schedule(_ partition: Partition) {
        partition.afterPause(interval) { [self] in
            Task { await flush(partition) }
        }
    }

    private func flush(_ partition: Partition) async {
        let taken = dirty.withLock { all in
            var mine = all[partition.id] ?? Dirty()
            defer { all[partition.id] = mine }
            let taken = mine
            mine.inFlightFloor = mine.floor
            mine.partition = [:]
            mine.region = [:]
            return taken
        }
        do {
            try await tell(taken.partition.keys.sorted(), taken.region.keys.sorted(), from: partition)
            settle(partition, putBack: nil)
        } catch ReplicationError.notServing {
            // The partition stops; after the next start the log tells again.
        } catch {
            logger.warning(
                "sums wait", metadata: ["partition": "\(partition.id)", "error": "\(error)"])
            settle(partition, putBack: taken)
        }
    }

    private func settle(_ partition: Partition, putBack: Dirty?) {
        let goesOn = dirty.withLock { all in
            var mine = all[partition.id] ?? Dirty()
            mine.inFlightFloor = nil
            if let putBack {
                mine.partition.merge(putBack.partition) { min($0, $1) }
                mine.region.merge(putBack.region) { min($0, $1) }
            }
            mine.isScheduled = !(mine.partition.isEmpty && mine.region.isEmpty)
            all[partition.id] = mine
            return mine.isScheduled
        }
        if goesOn { schedule(partition) }
    }

    private func tell(_ tweets: [UInt64], _ regionTweets: [UInt64], from partition: Partition) async throws {
        guard let region = partitioning.region(of: partition.id) else { return }
        // In steps: everything that is told at once is one log entry.
        for start in stride(from: 0, to: max(tweets.count, regionTweets.count), by: Self.tweetsInOneEntry) {
            try await tell(
                Array(tweets.dropFirst(start).prefix(Self.tweetsInOneEntry)),
                regionTweets.dropFirst(start).prefix(Self.tweetsInOneEntry).map { $0 }, of: region, from: partition)
        }
    }

    private static let tweetsInOneEntry = 200

    private func tell(
        _ tweets: [UInt64], _ regionTweets: [UInt64], of region: Cluster.RegionRange, from partition: Partition
    ) async throws {
        let (place, partitioning) = (partition.id, partitioning)
        // No latches: the version is known before the sums are read, so a sum is never older than its version says.
        let command = Command(requestId: nil, latches: []) { evaluation in
            let (incarnation, version) = (evaluation.log.incarnation, evaluation.log.appliedIndex)
            for raw in tweets {
                let tweet = Id(rawValue: raw)
                let sum = try PartitionSum.with {
                    $0.tweetId = raw
                    $0.incarnation = incarnation
                    $0.version = version
                    $0.sums = try SumReading.sums(under: Rows.partitionSum(of: tweet, in: place), in: evaluation.rows)
                    $0.windows = try [WindowCounts](
                        try CountBuckets.live(under: Rows.partitionBuckets(of: tweet, in: place), in: evaluation))
                }
                evaluation.tell(partitioning.regionHome(of: tweet, region: region), .eventPartitionSum, sum)
            }
            for raw in regionTweets {
                let tweet = Id(rawValue: raw)
                let sum = try RegionSum.with {
                    $0.tweetId = raw
                    $0.region = region.name
                    $0.incarnation = incarnation
                    $0.version = version
                    $0.sums = try SumReading.sums(under: Rows.regionSum(of: tweet, in: place), in: evaluation.rows)
                    $0.windows = try SumReading.regionWindows(of: tweet, at: place, in: evaluation.rows)
                }
                evaluation.tell(tweet.partition, .eventRegionSum, sum)
            }
            return []
        }
        _ = try await partition.execute(command)
    }
}

extension SumFlusher.Dirty {
    /// Notes of other kinds are other observers'.
    /// - Throws: `ReplicationError.corrupt` for a note that cannot be read. It was written by this node's own evaluation;
    ///   passed over, a count would stay silent for ever.
    mutating func take(_ note: Event, index: UInt64, in place: PartitionId) throws {
        switch note.kind {
        case EventKind.eventCounted.rawValue: Self.mark(try Self.tweet(note, index, place), index, in: &partition)
        case EventKind.eventRegionCounted.rawValue: Self.mark(try Self.tweet(note, index, place), index, in: &region)
        default: break
        }
    }

    private static func mark(_ tweet: UInt64, _ index: UInt64, in dirty: inout [UInt64: UInt64]) {
        dirty[tweet] = min(dirty[tweet] ?? index, index)
    }

    private static func tweet(_ note: Event, _ index: UInt64, _ place: PartitionId) throws -> UInt64 {
        do {
            return try Counted.decode(note.body).tweetId
        } catch {
            throw ReplicationError.corrupt(partition: place, what: "a count's note in log entry \(index): \(error)")
        }
    }
}
