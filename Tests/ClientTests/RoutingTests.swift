import Cluster
import Coordination
import Messages
import RPC
import Testing

@testable import Client

/// Where calls may go, and where the first map comes from.
@Suite("Routing")
struct RoutingTests {
    private static let map = "rookery.Cluster/Map"

    private func reply(_ change: (inout MapReply) -> Void = { _ in }) throws -> MapReply {
        let map = try StubCluster.map()
        var reply = MapReply.with {
            $0.version = map.version
            $0.partitionCount = UInt32(map.partitioning.count)
            $0.nodes = map.sortedNodes.map(\.message)
            $0.partitions = map.rows.map(\.message)
            $0.regions = [
                .with {
                    $0.region = "here"
                    $0.count = 4
                }
            ]
        }
        change(&reply)
        return reply
    }

    /// The map of whichever seed answers; `n1` listens at port 1 and `n2` at port 2.
    private func connect(_ cluster: StubCluster, _ ports: Int...) async throws -> ClusterMap {
        let source = RemoteMap(
            seeds: ports.map { Address(host: "stub", port: $0) }, timeout: .seconds(60)
        ) { address in
            RPC.Channel(
                host: address.host, port: address.port, configuration: ChannelConfiguration(clusterId: "test"),
                transport: cluster.transport, group: StubCluster.group, logger: StubCluster.logger)
        }
        return try await source.currentMap()
    }

    @Test("A seed that is down is passed over; the map is the same whoever tells it")
    func seeds() async throws {
        let cluster = StubCluster()
        let bytes = try reply().encode()
        try await cluster.start(["n2"], method: Self.map) { _, _ in Answer(bytes) }
        #expect(try await connect(cluster, 1, 2) == StubCluster.map())
        await cluster.stop()
        let error = await #expect(throws: RookeryError.self) { try await connect(cluster, 1, 2) }
        #expect(
            error?.message == "no node of the cluster answers: stub:1: connection refused by stub:1; "
                + "stub:2: connection refused by stub:2")
        #expect(error?.status == .unavailable && error?.retryable == true)
    }

    @Test("A map with a piece that cannot be is not taken")
    func brokenMaps() throws {
        let broken = [
            try reply { $0.regions[0].count = 70_000 }, try reply { $0.nodes[0].address = "nowhere" },
            try reply { $0.partitions[0].partition = 20_000 }, try reply { $0.partitions.removeLast() },
            try reply { $0.partitions[1].partition = 0 },
        ]
        for reply in broken {
            let error = #expect(throws: RookeryError.self) { try RemoteMap.map(reply) }
            #expect(error?.status == .dataLoss)
        }
        #expect(try RemoteMap.map(try reply()) == StubCluster.map())
    }

    @Test("What any node may answer goes to none that is down")
    func anyNode() throws {
        let down = try reply { $0.nodes[0].state = NodeInfo.State.down.rawValue }
        let table = RoutingTable(try RemoteMap.map(down))
        #expect(table.nodes(for: .anyNode).nodes.map(\.id) == ["n2"])
        #expect(table.nodes(for: .node("n1")).nodes.map(\.id) == ["n1"], "who names a node means it")
        #expect(table.nodes(for: .primary(PartitionId(9))).nodes.isEmpty)
    }

    @Test("A node that has moved gets a channel to its new address")
    func moved() throws {
        let pool = Pool(policy: WeightedLeastLoaded(), region: nil, environment: StillTime.environment) { node in
            RPC.Channel(
                host: node.address.host, port: node.address.port,
                configuration: ChannelConfiguration(clusterId: "test"),
                transport: InProcessTransport(), group: StubCluster.group, logger: StubCluster.logger)
        }
        var node = NodeInfo(id: "n1", address: Address(host: "stub", port: 1), region: "here", zone: "a")
        let (first, same) = (try pool.choose(from: [node]), try pool.choose(from: [node]))
        #expect(first.channel === same.channel)
        node.address = Address(host: "stub", port: 2)
        #expect(try pool.choose(from: [node]).channel !== first.channel)
    }
}
