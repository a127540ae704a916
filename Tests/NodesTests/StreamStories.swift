import Cluster
import Messages
import Replication
import Storage
import Testing

/// P4, P5 and P7 at rest, whatever happened to the streams on the way.
@Suite struct StreamStories {
    @Test func aCrowdWithoutTrouble() async throws {
        try await story(faults: .none, crashes: 0, seed: Seed.fresh())
    }

    @Test func deliveriesAreLostDoubledDelayedAndCut() async throws {
        try await story(faults: .bad, crashes: 0, seed: Seed.fresh())
    }

    @Test func nodesDieAtEveryStepOfADelivery() async throws {
        try await story(faults: .bad, crashes: 8, seed: Seed.fresh())
    }

    @Test func nodesDieInTwoRegions() async throws {
        try await story(faults: .bad, crashes: 6, seed: Seed.fresh(), regions: ["north", "south"])
    }

    private func story(
        faults: StreamFaults.Rates, crashes: Int, seed: UInt64, regions: [String] = ["local"]
    ) async throws {
        var setup = TestCluster.Setup(seed: seed, regions: regions)
        setup.partitionSettings.keepEntries = .max
        try await TestCluster.run(setup) { cluster in
            let crowd = Crowd(cluster, try await cluster.people(12))
            cluster.faults.set(faults)
            let lives = Permits(crashes)
            Self.crash(cluster, lives)
            try await crowd.act(times: 25)
            cluster.faults.watch(nil)
            #expect(lives.remaining == 0, "the nodes died as often as they should")
            try await cluster.atRest()
            cluster.faults.set(.none)
            try await ModelCheck(cluster: cluster, model: crowd.model).run()
            for node in cluster.nodes { try Self.replay(node, cluster) }
        }
    }

    /// One of a delivery's two nodes dies, at a step of it, now and then.
    private static func crash(_ cluster: TestCluster, _ lives: Permits) {
        cluster.faults.watch { _, _, from, to in
            guard cluster.dice.percent(10), lives.take() else { return }
            cluster.crash(cluster.dice.percent(50) ? from : to)
        }
    }

    /// Rule B4: the log alone, applied to an empty store, gives equal bytes.
    private static func replay(_ node: NodeId, _ cluster: TestCluster) throws {
        guard let store = cluster.store(of: node) else { return }
        let copy = MemoryStore()
        for row in cluster.map.rows where row.primary == node {
            var meta = PartitionMeta.with { $0.incarnation = 1 }
            let prefix = Key(partition: row.partition.rawValue)
            for stored in try store.rows(.log, from: prefix.bytes, to: prefix.prefixEnd) {
                let entry = try stored.value.withUnsafeBytes { try StoredEntry.decode($0, partition: row.partition) }
                let (effects, next) = try StoredEntry.applying(entry, partition: row.partition, previous: meta)
                try copy.write(effects, sync: true)
                meta = next
            }
        }
        let families = Family.allCases.filter(\.isProduct)
        #expect(try copy.dump(families) == store.dump(families), "\(node)")
    }
}
