import Testing

@testable import Cluster

@Suite struct RingTests {
    private func place(_ nodes: [NodeInfo], partitions: Int, replicas: Int) throws -> [Placement] {
        try Ring.place(
            nodes: nodes, partitioning: Partitioning(count: partitions, regionNames: ["r"]), replicas: replicas)
    }

    /// Zones, balance of replicas and of primaries, over clusters of any shape.
    @Test func randomClustersKeepZonesAndBalance() throws {
        var generator = SeededGenerator(seed: Seed.fresh())
        for _ in 0..<150 {
            let replicas = Int.random(in: 1...5, using: &generator)
            let count = replicas + Int.random(in: 0...40, using: &generator)
            let zones = zoneNames(Int.random(in: 1...8, using: &generator))
            let widest = [100, 200, 1000].randomElement(using: &generator) ?? 100
            var nodes = randomNodes(count, zones: zones, weights: 100...widest, using: &generator)
            // Zones of one size are the easy case: often most nodes are in the first.
            if Bool.random(using: &generator) {
                for index in nodes.indices where index >= zones.count && index % 4 != 0 { nodes[index].zone = zones[0] }
            }
            let partitions = 1 << Int.random(in: 0...10, using: &generator)
            let placements = try place(nodes, partitions: partitions, replicas: replicas)
            #expect(placements.map(\.partition.rawValue) == (0..<UInt16(partitions)).map { $0 })
            #expect(violations(placements, nodes: nodes, replicas: replicas) == [])
        }
    }

    @Test(arguments: [(100, 10, 4096), (1000, 3, 4096), (1000, 20, 4096)])
    func largeClustersKeepZonesAndBalance(count: Int, zones: Int, partitions: Int) throws {
        var generator = SeededGenerator(seed: Seed.fresh())
        let nodes = randomNodes(count, zones: zoneNames(zones), weights: 50...200, using: &generator)
        let placements = try place(nodes, partitions: partitions, replicas: 3)
        #expect(violations(placements, nodes: nodes, replicas: 3) == [])
    }

    @Test func aThousandNodesTakeAllPartitionsThereCanBe() throws {
        var generator = SeededGenerator(seed: Seed.fresh())
        let nodes = randomNodes(1000, zones: zoneNames(5), using: &generator)
        let placements = try place(nodes, partitions: 16_384, replicas: 3)
        #expect(violations(placements, nodes: nodes, replicas: 3) == [])
    }

    @Test func theOrderOfTheNodesDoesNotMatterNorDoTheirAddresses() throws {
        var generator = SeededGenerator(seed: Seed.fresh())
        let nodes = randomNodes(20, zones: zoneNames(4), weights: 50...200, using: &generator)
        let placements = try place(nodes, partitions: 256, replicas: 3)
        var shuffled = nodes.shuffled(using: &generator)
        for index in shuffled.indices {
            shuffled[index].address = Address(host: "elsewhere", port: index + 1)
            shuffled[index].state = .draining
        }
        #expect(try place(shuffled, partitions: 256, replicas: 3) == placements)
    }

    @Test func asManyNodesAsReplicasAllHoldEverything() throws {
        let nodes = [NodeInfo.make("n1", weight: 1), .make("n2", weight: 1000), .make("n3", zone: "b")]
        let placements = try place(nodes, partitions: 64, replicas: 3)
        #expect(placements.allSatisfy { $0.members == ["n1", "n2", "n3"] })
        #expect(violations(placements, nodes: nodes, replicas: 3) == [])
    }

    @Test func aZoneOfOneNodeIsInEveryPartitionWhenItMustBe() throws {
        let crowd = (0..<12).map { NodeInfo.make("n\($0)", zone: $0 % 2 == 0 ? "a" : "b") }
        let nodes = crowd + [.make("lonely", zone: "c")]
        let placements = try place(nodes, partitions: 128, replicas: 3)
        #expect(placements.allSatisfy { $0.members.contains("lonely") })
        #expect(violations(placements, nodes: nodes, replicas: 3) == [])
    }

    @Test func withTwoZonesNoZoneHoldsAllThreeReplicas() throws {
        let nodes = (0..<9).map { NodeInfo.make("n\($0)", zone: $0 < 7 ? "a" : "b") }
        let zones = Dictionary(uniqueKeysWithValues: nodes.map { ($0.id, $0.zone) })
        for placement in try place(nodes, partitions: 256, replicas: 3) {
            #expect(Set(placement.members.compactMap { zones[$0] }) == ["a", "b"])
        }
    }

    @Test func regionsDoNotMix() throws {
        let partitioning = try Partitioning(count: 64, regionNames: ["eu", "us"])
        let eu = (0..<4).map { NodeInfo.make("e\($0)", region: "eu", zone: "z\($0)") }
        let us = (0..<3).map { NodeInfo.make("u\($0)", region: "us", zone: "z\($0)") }
        let both = try Ring.place(nodes: eu + us, partitioning: partitioning, replicas: 2)
        for placement in both {
            let letter = placement.partition.rawValue < 32 ? "e" : "u"
            #expect(placement.members.allSatisfy { $0.rawValue.hasPrefix(letter) })
        }
        // A node that joins the other region moves nothing here.
        let joined = NodeInfo.make("u9", region: "us", zone: "z9")
        let after = try Ring.place(nodes: eu + us + [joined], partitioning: partitioning, replicas: 2)
        #expect(after.prefix(32) == both.prefix(32))
    }

    @Test func whatCannotBePlacedIsRefused() throws {
        let partitioning = try Partitioning(count: 8, regionNames: ["r"])
        func place(_ nodes: [NodeInfo], replicas: Int = 1) throws -> [Placement] {
            try Ring.place(nodes: nodes, partitioning: partitioning, replicas: replicas)
        }
        #expect(throws: RingError.tooFewNodes(region: "r", nodes: 1, replicas: 2)) {
            try place([.make("n1")], replicas: 2)
        }
        #expect(throws: RingError.tooFewNodes(region: "r", nodes: 0, replicas: 1)) { try place([]) }
        #expect(throws: RingError.duplicateNode("n1")) { try place([.make("n1"), .make("n1")]) }
        #expect(throws: RingError.unknownRegion(node: "n1", region: "x")) { try place([.make("n1", region: "x")]) }
        #expect(throws: RingError.weight(node: "n1", weight: 0)) { try place([.make("n1", weight: 0)]) }
        #expect(throws: RingError.replicas(0)) { try place([.make("n1")], replicas: 0) }
    }
}
