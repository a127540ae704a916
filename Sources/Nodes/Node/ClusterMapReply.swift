import Cluster
import Messages

extension MapReply {
    /// The whole map, or nothing but its version when the caller has it already.
    init(_ map: ClusterMap, since: UInt64) {
        self.init()
        version = map.version
        partitionCount = UInt32(map.partitioning.count)
        guard since < map.version else { return }
        nodes = map.sortedNodes.map { node in
            .with {
                $0.id = node.id.rawValue
                $0.address = node.address.description
                $0.region = node.region
                $0.zone = node.zone
                $0.weight = UInt32(node.weight)
                $0.state = node.state.number
            }
        }
        partitions = map.rows.map { .init($0) }
        regions = map.partitioning.regions.map { region in
            .with {
                $0.region = region.name
                $0.first = UInt32(region.first)
                $0.count = UInt32(region.count)
            }
        }
    }
}

extension NodeInfo.State {
    fileprivate var number: UInt32 {
        switch self {
        case .up: 0
        case .draining: 1
        case .down: 2
        }
    }
}
