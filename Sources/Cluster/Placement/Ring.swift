/// Why nodes cannot be given partitions.
public enum RingError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooFewNodes(region: String, nodes: Int, replicas: Int)
    case duplicateNode(NodeId)
    case unknownRegion(node: NodeId, region: String)
    case weight(node: NodeId, weight: Int)
    case replicas(Int)

    public var description: String {
        switch self {
        case .tooFewNodes(let region, let nodes, let replicas):
            "the region \"\(region)\" has \(nodes) nodes, too few for \(replicas) replicas"
        case .duplicateNode(let id): "the node \"\(id)\" is there twice"
        case .unknownRegion(let node, let region): "the node \"\(node)\" is in \"\(region)\", which owns no partitions"
        case .weight(let node, let weight): "the node \"\(node)\" has weight \(weight), which is not from 1 to 1000"
        case .replicas(let replicas): "\(replicas) replicas are not possible"
        }
    }
}

/// Where partitions live: weighted rendezvous hashing with bounded load, a pure function of nodes, partitioning and
/// replicas.
///
/// It keeps, the earlier first:
/// 1. Members are nodes of the partition's region.
/// 2. Members of one partition are in different zones; with fewer zones than replicas, no zone has more of them than
///    it must (`FairShares`).
/// 3. A node holds at most ⌈1.05 · share⌉ replicas. The share is by weight; where the zone rule gives a zone less or
///    more than its weight, it is the nearest that the rule allows (`FairShares`).
/// 4. Little moves. Adding a node to make n must move its share; for even zones that is 1/n of all replicas. What the
///    bounds move beyond it depends on how many replicas a node holds, for chance puts the more nodes at their bound
///    the fewer these are. On average, with 3 replicas: 1.0–1.2 times 1/n up to 40 nodes with 1,024 partitions; 1.1 for
///    100 nodes with 4,096 in 3 zones, 1.3 in 10 zones; 1.4 for 300 nodes with 16,384 in 10 zones, and 1.9 for 1,000,
///    where a node holds 49. The 1.3 of the design is thus kept up to some dozen nodes, and with as many zones as
///    replicas and a hundred replicas a node also beyond; for the others rule 3 comes first. The tests measure this.
///
/// Primaries: a node's share of them is its share of replicas divided by the number of replicas, with the same bound. A
/// third as many with three replicas, they are moved by chance more: 1.2 to 1.8 times their share up to 100 nodes, up
/// to 3 once when a zone more than there are replicas comes, 2.6 to 8 for 1,000 nodes. Moving a primary copies nothing.
///
/// The order of `nodes` does not matter, nor does their state: who should not be placed on is left out by the caller.
public enum Ring {
    /// One placement for each partition, ascending.
    public static func place(
        nodes: [NodeInfo], partitioning: Partitioning, replicas: Int
    ) throws(RingError) -> [Placement] {
        try check(nodes, partitioning, replicas)
        var placements: [Placement] = []
        for region in partitioning.regions {
            let own = nodes.filter { $0.region == region.name }.sorted { $0.id < $1.id }
            guard own.count >= replicas else {
                throw .tooFewNodes(region: region.name, nodes: own.count, replicas: replicas)
            }
            placements += RegionRing(nodes: own, partitions: Int(region.count), replicas: replicas).place(region)
        }
        return placements
    }

    private static func check(
        _ nodes: [NodeInfo], _ partitioning: Partitioning, _ replicas: Int
    ) throws(RingError) {
        guard replicas >= 1 else { throw .replicas(replicas) }
        var seen: Set<NodeId> = []
        for node in nodes {
            guard seen.insert(node.id).inserted else { throw .duplicateNode(node.id) }
            guard NodeInfo.weights.contains(node.weight) else { throw .weight(node: node.id, weight: node.weight) }
            guard partitioning.region(named: node.region) != nil else {
                throw .unknownRegion(node: node.id, region: node.region)
            }
        }
    }
}
