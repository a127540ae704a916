import Cluster
import Logging
import Messages
import Synchronization

/// Carries what this node's partitions have to tell the partitions of one other node (or of this one): one call at a
/// time, in which everything that is ready travels together. Nothing waits for company.
public final class StreamLink: Sendable {
    /// Brings batches to the node and returns its cursors.
    public typealias Deliver = @Sendable (DeliverRequest) async throws -> DeliverReply

    private let news = Mutex(StreamNews())
    private let wake: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation
    private let partition: @Sendable (PartitionId) -> Partition?
    private let deliver: Deliver
    private let pause: @Sendable (_ failures: Int) async throws -> Void
    private let logger: Logger
    private let maxBatchBytes = 256 * 1024
    private let maxCallBytes = 1 << 20

    /// - Parameters:
    ///   - partition: a partition this node leads.
    ///   - pause: waits before the next try, after that many failures in a row.
    public init(
        to node: NodeId, partition: @escaping @Sendable (PartitionId) -> Partition?, deliver: @escaping Deliver,
        pause: @escaping @Sendable (_ failures: Int) async throws -> Void, logger: Logger
    ) {
        self.partition = partition
        self.deliver = deliver
        self.pause = pause
        var logger = logger
        logger[metadataKey: "to"] = "\(node)"
        self.logger = logger
        (wake, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// These destinations, which the node owns, have something to hear from `source`.
    public func hasNews(_ source: PartitionId, _ destinations: [PartitionId]) {
        news.withLock { $0.add(source, destinations) }
        ring.yield()
    }

    /// Runs until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            var failures = 0
            for await _ in wake {
                while !Task.isCancelled, case let taken = news.withLock({ $0.take() }), !taken.isEmpty {
                    do {
                        for destination in try await send(taken) {
                            let failures = news.withLock { $0.rest(destination) }
                            warn(failures, StreamLinkError.unanswered(partition: destination))
                            group.addTask { await self.wake(destination, after: failures) }
                        }
                        failures = 0
                    } catch {
                        failures += 1
                        warn(failures, error)
                        do { try await pause(failures) } catch { return group.cancelAll() }
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func warn(_ failures: Int, _ error: any Error) {
        guard failures == 1 || failures % 64 == 0 else { return }
        logger.warning("a stream is interrupted", metadata: ["error": "\(error)", "failures": "\(failures)"])
    }

    /// What the destination was sent is asked for again, after a pause of its own.
    private func wake(_ destination: PartitionId, after failures: Int) async {
        // Cancelled: nobody will send any more.
        do { try await pause(failures) } catch { return }
        news.withLock { $0.wake(destination) }
        ring.yield()
    }

    /// - Returns: the destinations that nobody answered for: they are not served there, or cannot take what they were
    ///   sent.
    /// - Throws: when the node did not answer at all.
    private func send(_ taken: [(source: PartitionId, destinations: [PartitionId])]) async throws -> [PartitionId] {
        var request = DeliverRequest()
        var bytes = 0
        for (source, destinations) in taken {
            // Not led here: whoever starts it tells its links of its `waitingDestinations`.
            guard let partition = partition(source) else { continue }
            guard bytes < maxCallBytes else {
                hasNews(source, destinations)
                continue
            }
            let (batches, left) = await partition.nextBatches(
                to: destinations, maxBytes: maxBatchBytes, budget: maxCallBytes - bytes)
            bytes += batches.reduce(0) { $0 + $1.events.reduce(64) { $0 + $1.body.count + 16 } }
            request.batches += batches
            if !left.isEmpty { hasNews(source, left) }
        }
        guard !request.batches.isEmpty else { return [] }
        do {
            let unanswered = await hand(try await deliver(request), for: request)
            await putBack(unanswered)
            return Set(unanswered.batches.map { PartitionId(UInt16(truncatingIfNeeded: $0.destination)) }).sorted()
        } catch {
            await putBack(request)
            throw error
        }
    }

    /// - Returns: the batches that nobody answered for.
    private func hand(_ reply: DeliverReply, for request: DeliverRequest) async -> DeliverRequest {
        let asked = Set(request.batches.map { Pair($0.source, $0.destination) })
        let answers = reply.cursors.filter { !$0.notOwner && asked.contains(Pair($0.source, $0.destination)) }
        for (source, cursors) in Dictionary(grouping: answers, by: \.source).sorted(by: { $0.key < $1.key }) {
            await partition(PartitionId(UInt16(truncatingIfNeeded: source)))?.answered(cursors)
        }
        let answered = Set(answers.map { Pair($0.source, $0.destination) })
        let unanswered = request.batches.filter { !answered.contains(Pair($0.source, $0.destination)) }
        let well = Set(request.batches.map(\.destination)).subtracting(unanswered.map(\.destination))
        news.withLock { news in
            for destination in well { news.answered(PartitionId(UInt16(truncatingIfNeeded: destination))) }
        }
        return .with { $0.batches = unanswered }
    }

    /// What was sent may or may not have been taken: the cursors are asked for again.
    private func putBack(_ request: DeliverRequest) async {
        for (source, batches) in Dictionary(grouping: request.batches, by: \.source).sorted(by: { $0.key < $1.key }) {
            let source = PartitionId(UInt16(truncatingIfNeeded: source))
            let destinations = batches.map { PartitionId(UInt16(truncatingIfNeeded: $0.destination)) }
            await partition(source)?.failed(destinations)
            hasNews(source, destinations)
        }
    }

    private struct Pair: Hashable {
        var source: UInt32
        var destination: UInt32

        init(_ source: UInt32, _ destination: UInt32) {
            self.source = source
            self.destination = destination
        }
    }
}

public enum StreamLinkError: Error, Equatable, CustomStringConvertible {
    case unanswered(partition: PartitionId)

    public var description: String {
        switch self {
        case .unanswered(let partition):
            "the node does not serve partition \(partition), or cannot take what it is sent"
        }
    }
}
