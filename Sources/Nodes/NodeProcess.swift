import Cluster
import Coordination
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import RPC
import ServiceLifecycle
import Storage

/// A node as a process runs it: on a real disk, on TCP, with its metrics; stopped by the service group.
public struct NodeProcess: Service {
    public enum Failure: Error, CustomStringConvertible {
        case secret(path: String, reason: String)
        case certificate(path: String, name: String, node: NodeId)

        public var description: String {
            switch self {
            case .secret(let path, let reason): "\(path): the cluster's secret cannot be used: \(reason)"
            case .certificate(let path, let name, let node):
                "\(path) is the certificate of node \(name), and this is node \(node)"
            }
        }
    }

    private let server: NodeServer
    private let metrics: MetricsServer?
    private let store: RocksStore
    private let directory: DataDirectory
    private let groups: [MultiThreadedEventLoopGroup]
    private let logger: Logger

    /// How long calls that run may take to finish when the node stops.
    private static let grace = Duration.seconds(10)

    /// Opens the data directory, recovers, and serves.
    /// - Throws: `ConfigError`, `StorageError`, `Failure`, and what `NodeServer.start` throws; each with a sentence.
    public static func start(
        configPath: String, node: NodeId, dataDirectory: String, secretPath: String, testService: Bool = false,
        registry: PrometheusRegistry, logger: Logger
    ) async throws -> NodeProcess {
        let config = withDescriptorsFor(try ClusterConfig.load(path: configPath), logger)
        guard let info = config.node(node) else {
            throw NodeServer.StartFailure.unknownNode(node, known: config.nodes.map(\.id))
        }
        let secret = try readSecret(secretPath)
        let credentials = try config.tls.map { try Self.credentials($0, of: node) }
        let directory = try DataDirectory(
            path: dataDirectory, clusterId: config.clusterId, nodeId: node.rawValue)
        let store = try RocksStore(path: directory.storePath, sync: config.storage.sync)
        if !config.storage.sync {
            logger.warning("storage.sync is off: a crash loses acknowledged writes")
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops(of: info, config))
        var parts = NodeServer.Parts(
            config: config, id: node, secret: secret, store: store,
            keeper: StaticKeeper(config: config, directory: directory.path),
            transport: TCPTransport(group: group, tls: credentials),
            group: group, random: { UInt64.random(in: .min ... .max) }, logger: logger
        ) { error in
            // rule C9: what reached the disk is unknown; nothing is tried again.
            logger.critical("the disk failed: this node ends now", metadata: ["error": "\(error)"])
            _exit(70)
        }
        parts.testService = testService
        parts.partitionSettings.keepEntries = UInt64(config.limits.logKeepEntries)
        let server = try await NodeServer.start(parts)
        var groups = [group]
        let metrics = try await startMetrics(config.metrics[node], server, registry, &groups, logger)
        return NodeProcess(
            server: server, metrics: metrics, store: store, directory: directory, groups: groups, logger: logger)
    }

    /// One a core, at most four. Nodes at one host share its cores: with more loops than that, a call mostly wakes
    /// threads that then wait for each other's core.
    private static func loops(of node: NodeInfo, _ config: ClusterConfig) -> Int {
        let neighbours = config.nodes.count { $0.address.host == node.address.host }
        return max(1, min(4, System.coreCount / max(1, neighbours)))
    }

    /// Descriptors that are not connections: the store's files, the log, sockets to other nodes.
    private static let otherDescriptors = 512

    /// Clients must not use up the descriptors that the store needs: a file that cannot be opened ends the process.
    private static func withDescriptorsFor(_ config: ClusterConfig, _ logger: Logger) -> ClusterConfig {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return config }
        limit.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        let room = max(16, Int(clamping: limit.rlim_cur) - otherDescriptors)
        guard room < config.limits.maxConnections else { return config }
        logger.warning(
            "fewer connections than limits.max_connections: this process may hold too few descriptors",
            metadata: ["connections": "\(room)"])
        var config = config
        config.limits.maxConnections = room
        return config
    }

    private static func readSecret(_ path: String) throws -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw Failure.secret(path: path, reason: isThere ? "it cannot be read" : "there is no such file")
        }
        // Byte by byte: the file need not be text.
        let digits = bytes.split { [0x0A, 0x0D, 0x20].contains($0) }.joined(separator: [0x20]).map { byte in
            Character(UnicodeScalar(byte)).hexDigitValue
        }
        let values = digits.compactMap { $0 }
        guard values.count == digits.count else {
            throw Failure.secret(path: path, reason: "it holds something other than hexadecimal digits")
        }
        guard values.count >= 32 else {
            throw Failure.secret(path: path, reason: "it needs at least 32 hexadecimal digits and has \(values.count)")
        }
        guard values.count.isMultiple(of: 2) else {
            throw Failure.secret(
                path: path, reason: "it has \(values.count) hexadecimal digits; two are a byte, so one is missing")
        }
        return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }

    /// Nobody would believe a node that shows another one's certificate: better not to start.
    private static func credentials(_ tls: ClusterConfig.TLS, of node: NodeId) throws -> TLSCredentials {
        let path = tls.certificate(of: node)
        let credentials = try TLSCredentials(
            authorityFile: tls.authority, certificateFile: path, keyFile: tls.key(of: node),
            clientCertificates: tls.clientCertificates == .peers ? .peers : .none)
        guard let name = credentials.name, name == node.rawValue else {
            throw Failure.certificate(path: path, name: credentials.name ?? "", node: node)
        }
        return credentials
    }

    private static func startMetrics(
        _ address: Address?, _ server: NodeServer, _ registry: PrometheusRegistry,
        _ groups: inout [MultiThreadedEventLoopGroup], _ logger: Logger
    ) async throws -> MetricsServer? {
        guard let address else { return nil }
        // A group of its own: a scrape must not take time from a call.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        groups.append(group)
        let metrics = MetricsServer(registry: registry, group: group, logger: logger) { server.isServing }
        _ = try await metrics.start(host: address.host, port: address.port)
        return metrics
    }

    /// Serves until the service group stops it; then finishes what runs.
    public func run() async throws {
        try? await gracefulShutdown()  // a cancelled wait ends the node just the same
        logger.info("stopping")
        await server.shutdown(grace: Self.grace)
        await metrics?.shutdown()
        try store.flush()
        store.close()
        for group in groups { try await group.shutdownGracefully() }
        logger.info("stopped")
    }
}
