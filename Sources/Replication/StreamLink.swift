import Cluster
import Logging
import Messages
import Synchronization

/// Carries what this node's partitions have to tell the partitions of one other node (or of this one): one call at a
/// time, in which everything that is ready travels together. Nothing waits for company.
public final class StreamLink: Sendable {
    /// Brings batches to the node and returns its cursors.
    public typealias Deliver = @Sendable (DeliverRequest) async throws -> DeliverReply

    private struct News: Sendable {
        var destinations: [PartitionId: Set<PartitionId>] = [:]  // source → destinations
    }

    private let news = Mutex(News())
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
        news.withLock { $0.destinations[source, default: []].formUnion(destinations) }
        ring.yield()
    }

    /// Runs until the task is cancelled.
    public func run() async {
        var failures = 0
        for await _ in wake {
            while !Task.isCancelled, let taken = takeNews() {
                do {
                    try await send(taken)
                    failures = 0
                } catch is CancellationError where Task.isCancelled {
                    return
                } catch {
                    failures += 1
                    if failures == 1 || failures % 64 == 0 {
                        logger.warning("a stream is interrupted", metadata: ["error": "\(error)"])
                    }
                    do { try await pause(failures) } catch { return }
                }
            }
        }
    }

    private func takeNews() -> [(source: PartitionId, destinations: [PartitionId])]? {
        let taken = news.withLock { news in
            defer { news.destinations = [:] }
            return news.destinations
        }
        guard !taken.isEmpty else { return nil }
        return taken.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) }
    }

    private func send(_ taken: [(source: PartitionId, destinations: [PartitionId])]) async throws {
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
        guard !request.batches.isEmpty else { return }
        let unanswered: DeliverRequest
        do {
            unanswered = await hand(try await deliver(request), for: request)
        } catch {
            await putBack(request)
            throw error
        }
        guard unanswered.batches.isEmpty else {
            await putBack(unanswered)
            throw StreamLinkError.unanswered(partitions: Set(unanswered.batches.map(\.destination)).sorted())
        }
    }

    /// - Returns: the batches that nobody answered for: their partition is not served there, or cannot take them.
    private func hand(_ reply: DeliverReply, for request: DeliverRequest) async -> DeliverRequest {
        let cursors = Dictionary(grouping: reply.cursors.filter { !$0.notOwner }) { $0.source }
        for (source, cursors) in cursors.sorted(by: { $0.key < $1.key }) {
            await partition(PartitionId(UInt16(truncatingIfNeeded: source)))?.answered(cursors)
        }
        let answered = Set(reply.cursors.filter { !$0.notOwner }.map { Pair($0.source, $0.destination) })
        return .with { $0.batches = request.batches.filter { !answered.contains(Pair($0.source, $0.destination)) } }
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
    case unanswered(partitions: [UInt32])

    public var description: String {
        switch self {
        case .unanswered(let partitions):
            "the node does not serve partitions \(partitions), or cannot take what they are sent"
        }
    }
}
