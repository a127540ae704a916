import Cluster
import Coordination
import Logging
import NIOCore
import NIOPosix
import RPC
import Synchronization

/// The thick client: knows the map, routes, balances and retries in the caller's process; there is no middle tier.
///
/// Every method may be called from anywhere, and throws `RookeryError` and nothing else. Close it when done.
public final class RookeryClient: Sendable {
    /// What may be chosen about a client.
    public struct Options: Sendable {
        /// The deadline of a call, over all its tries and all the questions that it takes.
        public var timeout = Duration.seconds(10)
        public var connectTimeout = Duration.seconds(2)
        /// So long a search or ranking waits for a node before it asks whether the node is there at all.
        public var patience = Duration.seconds(1)
        /// Nodes of this region are preferred for reads; nil prefers none.
        public var region: String?
        /// The certificates of the cluster's authority, a PEM file, for `connect(seeds:)` to a cluster with TLS. A
        /// client that has a configuration goes by that.
        public var authorityFile: String?
        public var policy: any BalancingPolicy = WeightedLeastLoaded()
        public var retry = RetryPolicy()
        public var environment = Environment.system
        public var logger = Logger(label: "rookery.client", factory: { _ in SwiftLogNoOpLogHandler() })

        public init() {}
    }

    let options: Options
    let table: RoutingTable
    let pool: Pool
    let budget: Mutex<RetryBudget>
    let alarms: Alarms
    /// Ours to end, nil when the caller brought one.
    private let ownGroup: MultiThreadedEventLoopGroup?

    /// A client of the cluster that the configuration describes.
    public convenience init(config: ClusterConfig, options: Options = Options()) throws {
        let map = try StaticMap(config: config).currentMap()
        let credentials = try Self.credentials(config.tls?.authority)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.init(
            map: map, clusterId: config.clusterId, options: options,
            transport: TCPTransport(group: group, tls: credentials), group: group, ownGroup: group)
    }

    /// A client that asks one of the seeds for the map.
    /// - Throws: `RookeryError` when none of them answers.
    public static func connect(
        seeds: [Address], clusterId: String, options: Options = Options()
    ) async throws -> RookeryClient {
        let credentials = try Self.credentials(options.authorityFile)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let transport = TCPTransport(group: group, tls: credentials)
        let source = RemoteMap(seeds: seeds, timeout: options.timeout) {
            Self.channel(to: $0, nodeId: nil, clusterId: clusterId, options, transport, group)
        }
        do {
            return RookeryClient(
                map: try await source.currentMap(), clusterId: clusterId, options: options, transport: transport,
                group: group, ownGroup: group)
        } catch {
            await Self.end(group)
            throw error
        }
    }

    /// A client over a transport and event loops of the caller's, for programs and tests that have both.
    public init(
        map: ClusterMap, clusterId: String, options: Options, transport: any Transport, group: any EventLoopGroup,
        ownGroup: MultiThreadedEventLoopGroup? = nil
    ) {
        self.options = options
        self.ownGroup = ownGroup
        table = RoutingTable(map)
        budget = Mutex(RetryBudget(nowNs: options.environment.clock.monotonicNs()))
        alarms = Alarms(after: options.patience)
        pool = Pool(policy: options.policy, region: options.region, environment: options.environment) {
            Self.channel(to: $0.address, nodeId: $0.id, clusterId: clusterId, options, transport, group)
        }
    }

    /// The map as this client knows it now.
    public var map: ClusterMap { table.snapshot }

    /// Ends all connections. Calls that are on their way have failed when it returns: with `.cancelled`, or with what
    /// they got before that. A call that waits for its next try fails when that is due. May be called again.
    public func close() async {
        await pool.close()
        if let ownGroup { await Self.end(ownGroup) }
    }

    /// A client trusts the cluster's authority, and needs no certificate of its own.
    static func credentials(_ authorityFile: String?) throws -> TLSCredentials? {
        do {
            return try authorityFile.map { try TLSCredentials(authorityFile: $0) }
        } catch {
            throw RookeryError(.failedPrecondition, "TLS cannot be used: \(error)")
        }
    }

    /// - Parameter nodeId: which node must be there; nil when any of the cluster will do.
    private static func channel(
        to address: Address, nodeId: NodeId?, clusterId: String, _ options: Options, _ transport: any Transport,
        _ group: any EventLoopGroup
    ) -> RPC.Channel {
        let configuration = ChannelConfiguration(
            clusterId: clusterId, nodeId: nodeId?.rawValue, connectTimeout: options.connectTimeout,
            backoff: address.isLoopback ? .local : Backoff())
        return RPC.Channel(
            host: address.host, port: address.port, configuration: configuration, transport: transport, group: group,
            logger: options.logger)
    }

    static func end(_ group: MultiThreadedEventLoopGroup) async {
        // It only fails when it is called from one of its own threads or twice, and then there is nothing left to end.
        try? await group.shutdownGracefully()
    }
}
