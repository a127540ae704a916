/// The ring of one region; partitions and nodes are numbered from 0 within it.
struct RegionRing {
    private enum Kind {
        static let node: UInt64 = 1
        static let zone: UInt64 = 2
        static let replicaLimit: UInt64 = 3
        static let primaryLimit: UInt64 = 4
    }

    private let nodes: [NodeInfo]
    private let partitions: Int
    private let replicas: Int
    private let shares: FairShares
    private let pools: [Pool]
    private let preferences: [Preference]

    /// - Parameter nodes: ascending by id, at least as many as replicas.
    init(nodes: [NodeInfo], partitions: Int, replicas: Int) {
        precondition(nodes.count < 1 << 16, "a region has at most 65,535 nodes")
        self.nodes = nodes
        self.partitions = partitions
        self.replicas = replicas
        shares = FairShares(nodes: nodes, partitions: partitions, replicas: replicas)
        pools = Pool.split(shares, partitions: partitions, replicas: replicas)
        preferences = nodes.map { Preference(name: $0.id.rawValue, kind: Kind.node, count: partitions) }
    }

    func place(_ region: RegionRange) -> [Placement] {
        let members = chooseMembers()
        let primaries = choosePrimaries(of: members)
        return region.partitions.enumerated().map { index, partition in
            Placement(
                partition: partition, primary: nodes[primaries[index]].id,
                members: members[index].sorted().map { nodes[$0].id })
        }
    }

    // MARK: Members

    private func chooseMembers() -> [[Int]] {
        var members = [[Int]](repeating: [], count: partitions)
        for pool in pools {
            for (partition, chosen) in chooseMembers(in: pool).enumerated() {
                members[partition] += chosen.map { pool.nodes[$0] }
            }
        }
        return members
    }

    private func chooseMembers(in pool: Pool) -> [[Int]] {
        let ownShares = pool.nodes.map { shares.nodes[$0] }
        let problem = BoundedChoice.Problem(
            partitions: partitions, picks: pool.picks, zones: pool.zones, zoneLimits: pool.zoneLimits,
            limits: pool.nodes.indices.map { limit(ownShares[$0], node: pool.nodes[$0], Kind.replicaLimit) },
            bounds: ownShares.map { min(partitions, FairShares.bound($0)) })
        return BoundedChoice.solve(problem, firstCandidates: firstCandidates(of: pool)) { partition in
            pool.nodes.indices.map { index in
                let preference = preferences[pool.nodes[index]]
                let score = preference.score(rank: preference.rank(of: partition), partition: partition)
                return Ranked(score: score / pool.rates[index], number: index).word
            }.sorted()
        }
    }

    /// For each partition all nodes up to a common score: a few more than it will ask. A node finds those partitions by
    /// their rank, so that a thousand nodes need not score every partition.
    private func firstCandidates(of pool: Pool) -> [[UInt64]] {
        let wanted = 3 * pool.picks + 7
        let all = wanted >= pool.nodes.count
        let threshold = all ? Double.infinity : Double(wanted) / pool.rates.reduce(0, +)
        var lists = [[UInt64]](repeating: [], count: partitions)
        for (index, node) in pool.nodes.enumerated() {
            for rank in 0..<partitions {
                let partition = preferences[node].partition(atRank: rank)
                let score = preferences[node].score(rank: rank, partition: partition) / pool.rates[index]
                if score > threshold { break }
                lists[partition].append(Ranked(score: score, number: index).word)
            }
        }
        for partition in lists.indices { lists[partition].sort() }
        return lists
    }

    // MARK: Primaries

    private func choosePrimaries(of members: [[Int]]) -> [Int] {
        let primaryShares = shares.nodes.map { $0 / Double(replicas) }
        let problem = BoundedChoice.Problem(
            partitions: partitions, picks: 1, zones: nodes.map { _ in 0 }, zoneLimits: [1],
            limits: nodes.indices.map { limit(primaryShares[$0], node: $0, Kind.primaryLimit) },
            bounds: primaryShares.map(FairShares.bound))
        let lists = primaryCandidates(members)
        return BoundedChoice.solve(problem, firstCandidates: lists) { lists[$0] }.map { $0[0] }
    }

    /// The members, dearest first. Between zones that hold one member of every partition, the zone's name decides and
    /// not the node's: a node added to one then takes primaries from that zone's nodes only, as it does with replicas.
    private func primaryCandidates(_ members: [[Int]]) -> [[UInt64]] {
        let zoneOf = zonesWithOneOfEach()
        return members.enumerated().map { partition, nodes in
            nodes.map { node in
                let (preference, share) = zoneOf[node] ?? (preferences[node], shares.nodes[node])
                let score = preference.score(rank: preference.rank(of: partition), partition: partition)
                return Ranked(score: score / share, number: node).word
            }.sorted()
        }
    }

    private func zonesWithOneOfEach() -> [Int: (Preference, Double)] {
        var found: [Int: (Preference, Double)] = [:]
        for zone in shares.zones where zone.limit == 1 && zone.share >= Double(partitions) - 1e-6 {
            let preference = Preference(name: zone.name, kind: Kind.zone, count: partitions)
            for node in zone.nodes { found[node] = (preference, zone.share) }
        }
        return found
    }

    // MARK: Limits

    /// What a node takes while partitions choose: 1.05 · share, rounded up or down by a throw that its id decides. Were
    /// all rounded up, a node added could lower the limit of all others by one at once, and move far more than its
    /// share.
    private func limit(_ share: Double, node: Int, _ kind: UInt64) -> Int {
        let hash = Checksum.xxh3(Array(nodes[node].id.rawValue.utf8), seed: kind)
        let throwValue = Double(hash >> 11) * 0x1p-53
        let rounded = Int((share * 21 / 20 - 1e-9 - throwValue).rounded(.up))
        return min(partitions, max(rounded, Int(share)))
    }
}
