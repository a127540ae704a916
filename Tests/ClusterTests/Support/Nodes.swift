import Cluster

extension NodeInfo {
    static func make(_ id: String, region: String = "r", zone: String = "a", weight: Int = 100) -> NodeInfo {
        NodeInfo(
            id: NodeId(id), address: Address(host: id, port: 7000), region: region, zone: zone, weight: weight)
    }
}

/// Nodes with random names, so that no test leans on lucky ones.
func randomNodes(
    _ count: Int, zones: [String], weights: ClosedRange<Int> = 100...100, using generator: inout SeededGenerator
) -> [NodeInfo] {
    (0..<count).map { index in
        let name = String(UInt32.random(in: 0...UInt32.max, using: &generator), radix: 36)
        return .make(
            "\(name)-\(index)", zone: zones[index % zones.count], weight: Int.random(in: weights, using: &generator))
    }
}

func zoneNames(_ count: Int) -> [String] {
    (0..<count).map { "z\($0)" }
}
