import Cluster

/// The ring's promises, worked out again in the plainest way.
struct ExpectedShares {
    /// The most members of one partition in a zone.
    let zoneLimit: Int
    let shares: [NodeId: Double]

    init(nodes: [NodeInfo], partitions: Int, replicas: Int) {
        let zones = Dictionary(grouping: nodes, by: \.zone)
        var limit = 1
        while zones.values.reduce(0, { $0 + min($1.count, limit) }) < replicas { limit += 1 }
        zoneLimit = limit
        let zoneLimits = zones.mapValues { Double(min($0.count, limit) * partitions) }
        let zoneWeights = zones.mapValues { Double($0.reduce(0) { $0 + $1.weight }) }
        let zoneShares = ExpectedShares.level(zoneWeights, zoneLimits, total: Double(partitions * replicas))
        var shares: [NodeId: Double] = [:]
        for (zone, members) in zones {
            let weights = Dictionary(uniqueKeysWithValues: members.map { ($0.id, Double($0.weight)) })
            let inZone = ExpectedShares.level(
                weights, weights.mapValues { _ in Double(partitions) }, total: zoneShares[zone] ?? 0)
            shares.merge(inZone) { $1 }
        }
        self.shares = shares
    }

    /// min(limit, x · weight) for the one x with which they sum up to the total; found by halving.
    private static func level<Key>(_ weights: [Key: Double], _ limits: [Key: Double], total: Double) -> [Key: Double] {
        func shares(_ x: Double) -> [Key: Double] {
            weights.reduce(into: [:]) { $0[$1.key] = min(limits[$1.key] ?? 0, x * $1.value) }
        }
        var low = 0.0
        var high = total
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if shares(middle).values.reduce(0, +) < total { low = middle } else { high = middle }
        }
        return shares(high)
    }
}

/// What is wrong with a region's placements, in words; empty when the ring kept its promises.
func violations(_ placements: [Placement], nodes: [NodeInfo], replicas: Int) -> [String] {
    let expected = ExpectedShares(nodes: nodes, partitions: placements.count, replicas: replicas)
    let zones = Dictionary(uniqueKeysWithValues: nodes.map { ($0.id, $0.zone) })
    var problems: [String] = []
    var load: [NodeId: Int] = [:]
    var primaries: [NodeId: Int] = [:]
    for placement in placements {
        if Set(placement.members).count != replicas || placement.members.count != replicas {
            problems.append("\(placement) has not \(replicas) members")
        }
        if !placement.members.contains(placement.primary) { problems.append("\(placement) has a foreign primary") }
        let perZone = Dictionary(grouping: placement.members, by: { zones[$0] ?? "?" }).values.map(\.count)
        if perZone.contains(where: { $0 > expected.zoneLimit }) { problems.append("\(placement) crowds a zone") }
        for member in placement.members { load[member, default: 0] += 1 }
        primaries[placement.primary, default: 0] += 1
    }
    for node in nodes {
        let share = expected.shares[node.id] ?? 0
        // A share that is whole but for the last bits must not be rounded up by them.
        let bound = (1.05 * share - 1e-6).rounded(.up)
        if Double(load[node.id] ?? 0) > bound { problems.append("\(node.id): \(load[node.id] ?? 0) of \(share)") }
        let primaryShare = share / Double(replicas)
        let primaryBound = (1.05 * primaryShare - 1e-6).rounded(.up)
        if Double(primaries[node.id] ?? 0) > primaryBound {
            problems.append("\(node.id): primary of \(primaries[node.id] ?? 0), share \(primaryShare)")
        }
    }
    return problems
}

/// How much moves when `added` joins: as multiples of what must move, the growth of the nodes' shares.
struct Movement {
    var replicas: Double
    var primaries: Double

    init(adding added: NodeInfo, to nodes: [NodeInfo], partitions: Int, replicas: Int) throws {
        let partitioning = try Partitioning(count: partitions, regionNames: [added.region])
        let before = try Ring.place(nodes: nodes, partitioning: partitioning, replicas: replicas)
        let after = try Ring.place(nodes: nodes + [added], partitioning: partitioning, replicas: replicas)
        let oldShares = ExpectedShares(nodes: nodes, partitions: partitions, replicas: replicas).shares
        let newShares = ExpectedShares(nodes: nodes + [added], partitions: partitions, replicas: replicas).shares
        let due = newShares.reduce(0) { $0 + max(0, $1.value - (oldShares[$1.key] ?? 0)) }
        var moved = 0
        var handedOver = 0
        for (old, new) in zip(before, after) {
            moved += new.members.count { !old.members.contains($0) }
            handedOver += old.primary == new.primary ? 0 : 1
        }
        self.replicas = Double(moved) / due
        primaries = Double(handedOver) / (due / Double(replicas))
    }
}
