import Client
import Cluster
import Messages
import RPC

/// Below the client, and clients that are not as they should be.
extension TestCluster {
    func status(of node: NodeId) async throws -> NodeStatusReply {
        let reply = try await call(node, "rookery.Cluster/Status", StatusRequest().encode())
        return try NodeStatusReply.decode(reply.message)
    }

    /// One call, as it is, to one node.
    func call(
        _ node: NodeId, _ method: String, _ message: [UInt8], _ options: CallOptions = CallOptions()
    ) async throws -> Reply {
        guard let channel = watchers[node] else { throw RPCError(.notFound, "there is no \(node)", ran: .no) }
        var options = options
        options.timeout = options.timeout ?? .seconds(20)
        return try await channel.unary(method, message, options: options)
    }

    /// A client of this cluster whose bytes pass through `judge`.
    func client(
        _ judge: @escaping @Sendable (ProxyTransport.Direction, Int) -> ProxyTransport.Verdict
    ) -> RookeryClient {
        Self.client(of: config, map, environment, ProxyTransport(network: network, judge: judge))
    }

    func client(withMap map: ClusterMap) -> RookeryClient { Self.client(of: config, map, environment, network) }

    /// A client whose clock is wrong.
    func client(withClock clock: TestClock) -> RookeryClient {
        let environment = Environment(clock: clock, random: dice.next, sleep: Environment.system.sleep)
        return Self.client(of: config, map, environment, network)
    }

    /// An old map on which every partition lies on the wrong node.
    func wrongMap() throws -> ClusterMap {
        let rows = map.rows.map { row in
            var row = row
            row.primary = nodes[((nodes.firstIndex(of: row.primary) ?? 0) + 1) % nodes.count]
            row.members = [row.primary]
            row.revision = 0
            return row
        }
        return try ClusterMap(version: 0, partitioning: map.partitioning, nodes: map.nodes, rows: rows)
    }
}
