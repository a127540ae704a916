import Client
import Cluster
import Glibc

/// Starts, stops, pauses and kills the nodes of a cluster on this machine, as processes of their own that outlive the
/// program which started them. Everything it knows is on disk, so any later program can go on.
public struct LocalCluster: Sendable {
    /// A word on what is being done, for a person.
    public typealias Report = @Sendable (String) -> Void

    public let config: ClusterConfig
    let configPath: String
    let directory: DataDirectory
    let executable: String
    let environment: Environment

    /// - Parameters:
    ///   - configPath: the file that `config` was read from; the nodes read it again.
    ///   - dataDirectory: where data, logs and process records are.
    ///   - executable: the path of `rookeryd`.
    public init(
        config: ClusterConfig, configPath: String, dataDirectory: String, executable: String,
        environment: Environment = .system
    ) {
        self.config = config
        self.configPath = Self.absolute(configPath)
        self.directory = DataDirectory(path: Self.absolute(dataDirectory))
        self.executable = executable
        self.environment = environment
    }

    /// What a node's process is doing.
    public enum ProcessState: Hashable, Sendable {
        case stopped
        case running(pid: Int32)
        case paused(pid: Int32)

        var isPaused: Bool {
            if case .paused = self { return true }
            return false
        }
    }

    /// How long a node that was asked to end may take before it is killed.
    static let stopLimit = Duration.seconds(20)
    /// How long a node may take until it serves.
    static let startLimit = Duration.seconds(30)
    static let pollInterval = Duration.milliseconds(10)

    public func state(of node: NodeId) throws -> ProcessState {
        guard let identity = try directory.identity(of: node) else { return .stopped }
        switch try identity.state() {
        case .running: return .running(pid: identity.pid)
        case .paused: return .paused(pid: identity.pid)
        case .gone: return .stopped
        }
    }

    public func logPath(of node: String) throws -> String { directory.log(of: try info(node).id) }

    /// Ends the process at once, as a crash would.
    public func kill(_ node: String) async throws {
        let id = try info(node).id
        try signal(id, SIGKILL)
        try await waitUntilGone(id, limit: Self.stopLimit)
    }

    /// Stops the process where it is; it neither answers nor ends.
    public func pause(_ node: String) throws { try signal(try info(node).id, SIGSTOP) }

    public func resume(_ node: String) throws { try signal(try info(node).id, SIGCONT) }

    /// The configuration's, and the strays.
    func everyNode() -> [NodeId] { config.nodes.map(\.id) + strayNodes() }

    /// Nodes that were started from here and have gone from the configuration since; their processes may still run.
    func strayNodes() -> [NodeId] { directory.recordedNodes().filter { config.node($0) == nil } }

    func info(_ node: String) throws -> NodeInfo {
        guard let info = config.nodes.first(where: { $0.id.rawValue == node }) else {
            throw LocalClusterError.unknownNode(node, known: config.nodes.map(\.id.rawValue))
        }
        return info
    }

    func signal(_ node: NodeId, _ number: Int32) throws {
        guard let identity = try directory.identity(of: node), try identity.state() != .gone else {
            throw LocalClusterError.notRunning(node)
        }
        guard Glibc.kill(identity.pid, number) == 0 || errno == ESRCH else {
            throw LocalClusterError.signalFailed(node, pid: identity.pid, reason: String(cString: strerror(errno)))
        }
    }

    /// True when the process ended within the limit.
    @discardableResult
    func waitUntilGone(_ node: NodeId, limit: Duration) async throws -> Bool {
        try await poll(limit) { try state(of: node) == .stopped }
    }

    /// Looks again and again until the condition holds or the limit has passed.
    func poll(_ limit: Duration, until condition: () async throws -> Bool) async throws -> Bool {
        let endNs = environment.clock.monotonicNs() + UInt64(limit / .nanoseconds(1))
        while try await !condition() {
            guard environment.clock.monotonicNs() < endNs else { return false }
            try await environment.sleep(Self.pollInterval)
        }
        return true
    }

    /// The path of the running program; `rookeryd` lies beside it.
    public static var ownExecutable: String? { ProcFS.link("/proc/self/exe") }

    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return String(cString: current) + "/" + path
    }
}
