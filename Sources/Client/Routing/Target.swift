import Cluster

/// Where a call must go.
enum Target: Hashable, Sendable {
    /// To the partition's primary.
    case primary(PartitionId)
    /// To any of the partition's members: reads.
    case member(PartitionId)
    case node(NodeId)
    case anyNode

    var partition: PartitionId? {
        switch self {
        case .primary(let partition), .member(let partition): partition
        case .node, .anyNode: nil
        }
    }
}
