import Client
import Cluster
import Coordination
import Messages
import RPC
import Testing

/// What questions to all owners make of a map that is not as it was (rule F5).
@Suite struct MovedPartitionTests {
    private static let top = "rookery.Top/Top"

    private static func mapReply() throws -> MapReply {
        var map = try StubCluster.map()
        map.update(row: StubCluster.row(PartitionId(2), primary: "n2", revision: 2))
        return .with {
            ($0.version, $0.partitionCount) = (2, 4)
            $0.nodes = map.sortedNodes.map(\.message)
            $0.partitions = map.rows.map(\.message)
            $0.regions = map.partitioning.regions.map { region in
                .with { ($0.region, $0.first, $0.count) = (region.name, UInt32(region.first), UInt32(region.count)) }
            }
        }
    }

    /// Partition 2 is n2's, and the client believes that all are n1's.
    @Test func whoHasBecomeAnOwnerMeanwhileIsInTheList() async throws {
        let cluster = StubCluster()
        let map = try Self.mapReply().encode()
        try await cluster.start(methods: [Self.top, "rookery.Cluster/Map", "rookery.Tweets/Lookup"]) { node, call in
            guard call.method == Self.top else {
                return Answer(call.method == "rookery.Cluster/Map" ? map : TimelineReply().encode())
            }
            let request = try TopRequest.decode(call.message)
            if node == "n1", request.partitions.contains(2) {
                let row = StubCluster.row(PartitionId(2), primary: "n2", revision: 2)
                throw RPCError(
                    .unavailable, "not mine", ran: .no, retryable: true,
                    details: RefusalDetails.with { $0.owner = row.message }.encode())
            }
            let reply = TopReply.with {
                $0.items = [.with { ($0.id, $0.count) = node == "n1" ? (10, 5) : (20, 9) }]
                ($0.complete, $0.exact) = (true, true)
                $0.cover = StubCluster.cover(request.partitions, epoch: 2)
            }
            return Answer(reply.encode())
        }
        let client = try cluster.client()
        let list = try await client.top(TopQuery(.tweets), session: StubCluster.session())
        #expect(list.items.map(\.key) == ["20", "10"] && list.exact && list.missingNodes.isEmpty)
        await client.close()
        await cluster.stop()
    }

    /// Such a row may come alone, with a refusal, before its node is heard of.
    @Test func anOwnerThatIsUnknownIsMissing() async throws {
        let cluster = StubCluster()
        try await cluster.start(methods: [Self.top, "rookery.Search/Users"]) { _, call in
            guard call.method == Self.top else {
                let request = try UserSearchRequest.decode(call.message)
                return Answer(UserSearchReply.with { $0.cover = StubCluster.cover(request.partitions) }.encode())
            }
            let request = try TopRequest.decode(call.message)
            let reply = TopReply.with {
                ($0.complete, $0.exact) = (true, true)
                $0.cover = StubCluster.cover(request.partitions)
            }
            return Answer(reply.encode())
        }
        let client = try cluster.client([StubCluster.row(PartitionId(3), primary: "n9", revision: 2)])
        let list = try await client.top(TopQuery(.tweets), session: StubCluster.session())
        #expect(!list.exact && list.missingNodes == ["n9"])
        let page = try await client.searchUsers("n", session: StubCluster.session())
        #expect(page.missingNodes == ["n9"])
        await client.close()
        await cluster.stop()
    }
}
