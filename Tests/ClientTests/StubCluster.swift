import Client
import Cluster
import Logging
import Messages
import NIOPosix
import RPC
import Synchronization

/// Two nodes that speak the real protocol in this process, and answer what a test tells them to.
final class StubCluster: Sendable {
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    static let logger = Logger(label: "stub", factory: { _ in SwiftLogNoOpLogHandler() })

    let transport = InProcessTransport()
    private let servers: Mutex<[NodeId: Server]> = Mutex([:])
    /// Every call that reached a node.
    private let received: Mutex<[(node: NodeId, call: Call)]> = Mutex([])

    typealias Handler = @Sendable (NodeId, Call) async throws -> Answer

    var calls: [(node: NodeId, call: Call)] { received.withLock { $0 } }

    /// What the nodes take at once.
    struct Limits {
        var maxInFlight = 1000
        var maxStreams = 1000
    }

    /// Starts the named nodes, each with this one method.
    func start(
        _ nodes: [NodeId] = ["n1", "n2"], method: String, limits: Limits = Limits(), _ handler: @escaping Handler
    ) async throws {
        try await start(nodes, methods: [method], limits: limits, handler)
    }

    /// Starts the named nodes, each with these methods.
    func start(
        _ nodes: [NodeId] = ["n1", "n2"], methods names: [String], limits: Limits = Limits(),
        _ handler: @escaping Handler
    ) async throws {
        var client = RPC.Limits.client
        client.maxConcurrentStreams = limits.maxStreams
        for node in nodes {
            var methods = MethodTable()
            for name in names {
                methods.unary(name) { [weak self] call in
                    self?.received.withLock { $0.append((node, call)) }
                    return try await handler(node, call)
                }
            }
            let server = Server(
                configuration: ServerConfiguration(
                    clusterId: "test", nodeId: node.rawValue, limits: client, maxInFlight: limits.maxInFlight),
                methods: methods,
                transport: transport, group: Self.group, logger: Self.logger)
            _ = try await server.start(host: "stub", port: Self.port(of: node))
            servers.withLock { $0[node] = server }
        }
    }

    func stop() async {
        for server in servers.withLock({ Array($0.values) }) { await server.abort() }
    }

    /// Rows at revision 1, but for newer ones that are given; all partitions at n1, but for those that n2 is given.
    func client(
        ofN2: Set<UInt16> = [], _ rows: [Cluster.PartitionRow] = [],
        _ change: (inout RookeryClient.Options) -> Void = { _ in }
    ) throws -> RookeryClient {
        var options = RookeryClient.Options()
        options.timeout = .seconds(60)  // no test waits for it; a busy machine may need it
        change(&options)
        var map = try Self.map(ofN2: ofN2)
        for row in rows { map.update(row: row) }
        return RookeryClient(
            map: map, clusterId: "test", options: options, transport: transport, group: Self.group)
    }

    static func map(ofN2: Set<UInt16> = []) throws -> ClusterMap {
        let nodes = (["n1", "n2"] as [NodeId]).map { id in
            NodeInfo(id: id, address: Address(host: "stub", port: port(of: id)), region: "here", zone: id.rawValue)
        }
        return try ClusterMap(
            version: 1, partitioning: try Partitioning(count: 4, regionNames: ["here"]),
            nodes: Dictionary(uniqueKeysWithValues: nodes.map { ($0.id, $0) }),
            rows: (0..<4 as Range<UInt16>).map {
                row(PartitionId($0), primary: ofN2.contains($0) ? "n2" : "n1", revision: 1)
            })
    }

    static func row(_ partition: PartitionId, primary: NodeId, revision: UInt64) -> Cluster.PartitionRow {
        Cluster.PartitionRow(
            partition: partition, region: "here", epoch: revision, primary: primary, members: [primary], learners: [],
            revision: revision)
    }

    /// What an answer says that covers these partitions as the map has them.
    static func cover(_ partitions: [UInt32], epoch: UInt64 = 1) -> [CoveredPartition] {
        partitions.map { partition in
            .with {
                $0.partition = partition
                $0.epoch = epoch
            }
        }
    }

    private static func port(of node: NodeId) -> Int { node == "n1" ? 1 : 2 }

    /// A session of a user who lives in partition 2.
    static func session() -> Session {
        Session(
            SessionRecord(
                name: "ada", userId: Id(unixMs: Id.epochMs, partition: PartitionId(2), sequence: 1), region: "here",
                token: [9, 9], expiresAt: Timestamp(unixMs: 0)))
    }
}
