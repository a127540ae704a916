/// Nodes among which a fixed number of each partition's members is chosen.
///
/// Where the limits of `FairShares` bind, the choice falls apart into independent ones: a node that must hold every
/// partition is chosen without a question, a zone that must hold `limit` members of every partition chooses them among
/// its own nodes, and the other zones choose the rest. A node added in one pool then moves nothing in another.
struct Pool {
    /// Indices into the region's nodes.
    var nodes: [Int]
    /// Zone of each of them, counted from 0 within the pool.
    var zones: [Int]
    var zoneLimits: [Int]
    var picks: Int
    /// Such that drawing by −ln(u) / rate gives each node about its share.
    var rates: [Double]

    static func split(_ shares: FairShares, partitions: Int, replicas: Int) -> [Pool] {
        var pools: [Pool] = []
        var rest: [FairShares.Zone] = []
        var left = replicas
        for zone in shares.zones {
            let everywhere = zone.nodes.filter { shares.nodes[$0] >= Double(partitions) }
            pools += everywhere.map { Pool(nodes: [$0], zones: [0], zoneLimits: [1], picks: 1, rates: [1]) }
            left -= everywhere.count
            let open = zone.without(everywhere, partitions: partitions)
            guard open.limit > 0, !open.nodes.isEmpty else { continue }
            if open.share >= Double(open.limit * partitions) - 1e-6 {
                pools.append(Pool([open], picks: open.limit, shares.nodes, partitions))
                left -= open.limit
            } else {
                rest.append(open)
            }
        }
        if left > 0 { pools.append(Pool(rest, picks: left, shares.nodes, partitions)) }
        return pools
    }

    private init(nodes: [Int], zones: [Int], zoneLimits: [Int], picks: Int, rates: [Double]) {
        self.nodes = nodes
        self.zones = zones
        self.zoneLimits = zoneLimits
        self.picks = picks
        self.rates = rates
    }

    private init(_ zones: [FairShares.Zone], picks: Int, _ shares: [Double], _ partitions: Int) {
        let oneEach = zones.allSatisfy { $0.limit == 1 }
        self.init(
            nodes: zones.flatMap(\.nodes),
            zones: zones.indices.flatMap { index in zones[index].nodes.map { _ in index } },
            zoneLimits: zones.map { min($0.limit, picks) }, picks: picks,
            rates: zones.flatMap { zone in
                zone.nodes.map { node in
                    if picks == 1 { return shares[node] / Double(partitions) }
                    if !oneEach { return Pool.rate(inclusion: shares[node] / Double(partitions)) }
                    return Pool.rate(inclusion: zone.share / Double(partitions)) * shares[node] / zone.share
                }
            })
    }

    /// The rate at which something is among the first of several draws with this probability: exact when all are equal,
    /// near otherwise (Rosén, "On sampling with probability proportional to size", 1997). Draws for one place need no
    /// such.
    private static func rate(inclusion: Double) -> Double {
        -Logarithm.ln(max(1 - inclusion, 1e-9))
    }
}

extension FairShares.Zone {
    /// What is left of a zone when some of its nodes hold every partition.
    fileprivate func without(_ everywhere: [Int], partitions: Int) -> FairShares.Zone {
        FairShares.Zone(
            name: name, nodes: nodes.filter { !everywhere.contains($0) }, limit: limit - everywhere.count,
            share: share - Double(everywhere.count * partitions))
    }
}
