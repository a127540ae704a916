import Cluster
import Coordination
import Messages
import RPC
import Synchronization

/// The cluster map as this client knows it; rows get newer when a node refuses a call that it does not own.
final class RoutingTable: Sendable {
    private let map: Mutex<ClusterMap>
    /// Epochs that answers have named, where they are above the map's: an owner that starts anew stays the owner, and
    /// has a new epoch.
    private let epochs = Mutex<[PartitionId: UInt64]>([:])

    init(_ map: ClusterMap) { self.map = Mutex(map) }

    /// A copy of the whole map.
    var snapshot: ClusterMap { map.withLock { $0 } }

    var partitioning: Partitioning { map.withLock { $0.partitioning } }

    /// The nodes that may take the call, and the revision of the row that says so.
    func nodes(for target: Target) -> (nodes: [NodeInfo], revision: UInt64) {
        map.withLock { map in
            switch target {
            case .node(let id): (map.nodes[id].map { [$0] } ?? [], 0)
            case .anyNode: (map.sortedNodes.filter { $0.state != .down }, 0)
            case .primary(let partition):
                (map.owner(of: partition).map { [$0] } ?? [], Self.revision(of: partition, map))
            case .member(let partition): (Self.members(of: partition, map), Self.revision(of: partition, map))
            }
        }
    }

    /// The primary, even one of which nothing else is known: whoever asks it is told that it cannot be reached, and
    /// can name it.
    func owner(of partition: PartitionId) -> NodeId? { map.withLock { $0.row(of: partition)?.primary } }

    /// Remembers an epoch in which a partition was led.
    /// - Returns: false when a newer one is known.
    func heard(epoch: UInt64, of partition: PartitionId) -> Bool {
        let mapped = map.withLock { $0.row(of: partition)?.epoch ?? 0 }
        return epochs.withLock { epochs in
            guard epoch >= max(mapped, epochs[partition] ?? 0) else { return false }
            epochs[partition] = epoch
            return true
        }
    }

    /// Takes the rows that are newer than what was known, and the nodes that they name.
    func learn(_ newer: ClusterMap) {
        map.withLock { map in _ = map.merge(version: newer.version, nodes: newer.sortedNodes, rows: newer.rows) }
    }

    /// Takes the row from a wrong-owner refusal. True when it is newer than what was known, so the call can follow it.
    func follow(_ error: RPCError) -> Bool {
        // Details that are no refusal come from other kinds of UNAVAILABLE: then there is nothing to follow.
        guard error.code == .unavailable, !error.details.isEmpty,
            let refusal = try? RefusalDetails.decode(error.details), let owner = refusal.owner,
            let row = Cluster.PartitionRow(owner)
        else { return false }
        return map.withLock { $0.update(row: row) }
    }

    private static func revision(of partition: PartitionId, _ map: ClusterMap) -> UInt64 {
        map.row(of: partition)?.revision ?? 0
    }

    private static func members(of partition: PartitionId, _ map: ClusterMap) -> [NodeInfo] {
        (map.row(of: partition)?.members ?? []).compactMap { map.nodes[$0] }
    }
}
