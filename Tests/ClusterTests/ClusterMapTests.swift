import Testing

@testable import Cluster

@Suite struct ClusterMapTests {
    private let nodes: [NodeId: NodeInfo] = ["n1": .make("n1"), "n2": .make("n2")]

    private func row(_ partition: UInt16, primary: NodeId = "n1", epoch: UInt64 = 1, revision: UInt64) -> PartitionRow {
        PartitionRow(
            partition: PartitionId(partition), region: "r", epoch: epoch, primary: primary, members: [primary],
            revision: revision)
    }

    private func map() throws -> ClusterMap {
        try ClusterMap(
            version: 1, partitioning: Partitioning(count: 2, regionNames: ["r"]), nodes: nodes,
            rows: [row(1, primary: "n2", revision: 1), row(0, revision: 5)])
    }

    @Test func theOwnerIsThePrimary() throws {
        let map = try map()
        #expect(map.owner(of: PartitionId(0))?.id == "n1")
        #expect(map.owner(of: PartitionId(1))?.id == "n2")
        #expect(map.owner(of: PartitionId(2)) == nil)
        #expect(map.sortedNodes.map(\.id) == ["n1", "n2"])
    }

    @Test func onlyANewerRowIsTaken() throws {
        var map = try map()
        let older = map.update(row: row(0, primary: "n2", epoch: 9, revision: 4))
        let same = map.update(row: row(0, primary: "n2", epoch: 9, revision: 5))
        #expect(!older && !same && map.owner(of: PartitionId(0))?.id == "n1")
        let newer = map.update(row: row(0, primary: "n2", epoch: 2, revision: 6))
        #expect(newer && map.owner(of: PartitionId(0))?.id == "n2")
        let unknown = map.update(row: row(7, revision: 99))
        #expect(!unknown && map.rows.count == 2)
        // A row that came with a redirect says nothing of the others.
        #expect(map.version == 1)
    }

    @Test func anOldReplyDoesNotTakeARedirectBack() throws {
        var map = try map()
        map.update(row: row(0, primary: "n2", revision: 9))
        let changed = map.merge(
            version: 3, nodes: [.make("n2"), .make("n3")], rows: [row(0, revision: 7), row(1, revision: 2)])
        #expect(changed && map.owner(of: PartitionId(0))?.id == "n2")
        #expect(map.version == 3 && map.nodes.keys.sorted() == ["n2", "n3"])
        // Partition 1 went to a node that left meanwhile: nobody is its owner until the next row.
        #expect(map.row(of: PartitionId(1))?.primary == "n1" && map.owner(of: PartitionId(1)) == nil)
        let late = map.merge(version: 2, nodes: [.make("n1")], rows: [])
        #expect(!late && map.nodes["n1"] == nil)
    }

    @Test func aMapHasOneRowForEachPartition() throws {
        let partitioning = try Partitioning(count: 2, regionNames: ["r"])
        func make(_ rows: [PartitionRow]) throws -> ClusterMap {
            try ClusterMap(version: 1, partitioning: partitioning, nodes: nodes, rows: rows)
        }
        #expect(throws: ClusterMapError.missingPartition(PartitionId(1))) { try make([row(0, revision: 1)]) }
        #expect(throws: ClusterMapError.missingPartition(PartitionId(0))) { try make([row(1, revision: 1)]) }
        #expect(throws: ClusterMapError.duplicatePartition(PartitionId(0))) {
            try make([row(0, revision: 1), row(0, revision: 2)])
        }
        #expect(throws: ClusterMapError.unknownPartition(PartitionId(2))) {
            try make([row(0, revision: 1), row(1, revision: 1), row(2, revision: 1)])
        }
    }
}
