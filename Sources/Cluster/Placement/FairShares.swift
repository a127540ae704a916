/// How many replicas each node of a region ought to hold: by weight, as far as the zone rule lets it.
///
/// A partition has at most `zoneLimit` members in one zone: the least number with which every replica finds a place,
/// which is 1 when there are as many zones as replicas. A zone can then hold no more than that of each partition, and a
/// node no more than one. What a zone's weight would give it beyond that goes to the other zones by their weights, and
/// likewise among the nodes of a zone. Where no limit binds, this is the plain weighted share.
struct FairShares {
    struct Zone {
        var name: String
        /// Indices into the region's nodes.
        var nodes: [Int]
        /// Members of one partition that it can hold.
        var limit: Int
        var share: Double
    }

    let zones: [Zone]
    /// One for each node; they sum up to partitions × replicas.
    let nodes: [Double]

    init(nodes: [NodeInfo], partitions: Int, replicas: Int) {
        let grouped = FairShares.grouped(nodes)
        let limit = FairShares.zoneLimit(sizes: grouped.map(\.nodes.count), replicas: replicas)
        let limits = grouped.map { min(limit, $0.nodes.count) }
        let weights = grouped.map { Double($0.nodes.reduce(0) { $0 + nodes[$1].weight }) }
        let shares = FairShares.fill(
            total: Double(partitions * replicas), weights: weights, limits: limits.map { Double($0 * partitions) })
        zones = grouped.indices.map {
            Zone(name: grouped[$0].name, nodes: grouped[$0].nodes, limit: limits[$0], share: shares[$0])
        }
        var nodeShares = [Double](repeating: 0, count: nodes.count)
        for zone in zones {
            let inZone = FairShares.fill(
                total: zone.share, weights: zone.nodes.map { Double(nodes[$0].weight) },
                limits: zone.nodes.map { _ in Double(partitions) })
            for (node, share) in zip(zone.nodes, inZone) { nodeShares[node] = share }
        }
        self.nodes = nodeShares
    }

    /// The most that a node with this share may hold: ⌈1.05 · share⌉. A whole number is not pushed up by rounding
    /// errors.
    static func bound(_ share: Double) -> Int {
        Int((share * 21 / 20 - 1e-9).rounded(.up))
    }

    /// Splits `total` by weight; what is above a limit is split among the others ("water filling").
    static func fill(total: Double, weights: [Double], limits: [Double]) -> [Double] {
        var shares = [Double](repeating: 0, count: weights.count)
        var open = Array(weights.indices)
        var left = total
        while !open.isEmpty {
            let weight = open.reduce(0) { $0 + weights[$1] }
            let full = open.filter { left * weights[$0] / weight >= limits[$0] - 1e-9 }
            if full.isEmpty {
                for index in open { shares[index] = left * weights[index] / weight }
                break
            }
            for index in full {
                shares[index] = limits[index]
                left -= limits[index]
            }
            open.removeAll(where: full.contains)
        }
        return shares
    }

    private static func grouped(_ nodes: [NodeInfo]) -> [(name: String, nodes: [Int])] {
        let byZone = Dictionary(grouping: nodes.indices, by: { nodes[$0].zone })
        return byZone.sorted { $0.key < $1.key }.map { (name: $0.key, nodes: $0.value) }
    }

    private static func zoneLimit(sizes: [Int], replicas: Int) -> Int {
        (1...replicas).first { limit in sizes.reduce(0) { $0 + min($1, limit) } >= replicas } ?? replicas
    }
}
