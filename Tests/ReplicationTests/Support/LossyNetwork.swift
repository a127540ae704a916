import Cluster
import Messages
import Replication
import Synchronization

struct CallLost: Error {}

/// Nodes in one process that find each other's partitions here, and calls between them that get lost, come twice and
/// come late. A partition that restarts is put here anew.
final class LossyNetwork: Sendable {
    private struct State: Sendable {
        var partitions: [PartitionId: Partition] = [:]
        var random: Seeded
        var late: [DeliverRequest] = []
        var lossPercent: Int
    }

    private let state: Mutex<State>

    init(seed: UInt64, lossPercent: Int) {
        state = Mutex(State(random: Seeded(seed), lossPercent: lossPercent))
    }

    func partition(_ id: PartitionId) -> Partition? { state.withLock { $0.partitions[id] } }

    func put(_ partition: Partition) { state.withLock { $0.partitions[partition.id] = partition } }

    func remove(_ id: PartitionId) { state.withLock { $0.partitions[id] = nil } }

    func heal() { state.withLock { $0.lossPercent = 0 } }

    /// One call: before and after it others may arrive that were thought lost; the answer may not.
    func deliver(_ request: DeliverRequest) async throws -> DeliverReply {
        if happens() { throw CallLost() }
        if happens() { keepForLater(request) }
        if happens(), let late = takeLate() { _ = await carryOut(late) }
        var reply = await carryOut(request)
        if happens() { reply = await carryOut(request) }
        if happens(), let late = takeLate() { _ = await carryOut(late) }
        if happens() { throw CallLost() }
        return reply
    }

    private func happens() -> Bool { state.withLock { $0.random.chance($0.lossPercent) } }

    private func keepForLater(_ request: DeliverRequest) { state.withLock { $0.late.append(request) } }

    private func takeLate() -> DeliverRequest? {
        state.withLock { state in
            guard let place = state.late.indices.randomElement(using: &state.random) else { return nil }
            return state.late.remove(at: place)
        }
    }

    private func carryOut(_ request: DeliverRequest) async -> DeliverReply {
        var reply = DeliverReply()
        for (destination, batches) in Dictionary(grouping: request.batches, by: \.destination) {
            do {
                guard let partition = partition(PartitionId(UInt16(destination))) else { throw CallLost() }
                reply.cursors += try await partition.receive(batches)
            } catch {
                reply.cursors += batches.map { batch in
                    .with {
                        $0.source = batch.source
                        $0.destination = batch.destination
                        $0.notOwner = true
                    }
                }
            }
        }
        return reply
    }
}
