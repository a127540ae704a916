import Client
import Cluster
import Logging
import Messages
import NIOCore
import NIOPosix
import Nodes
import RPC
import Replication
import Storage
import Synchronization
import Testing

/// Nodes, their network and a client in one process, with time, chance, disks and streams in the test's hands.
final class TestCluster: Sendable {
    struct Setup: Sendable {
        var seed: UInt64 = 1
        var nodes = 3
        var regions = ["local"]
        /// Where the nodes say they are; they are in this process in any case.
        var host = "localhost"
        var partitions = 8
        var limits = Cluster.Limits()
        var partitionSettings = Partition.Settings()
        var budgets = LookBudgets()
        /// Few, so that nothing waits for a password.
        var passwordRounds = 16
        var searchBlockTweets = 2048
        /// What `NodeServer.Parts.fatal` was told; the node goes on, for the story to look at.
        var diskFailed: @Sendable (NodeId, any Error) -> Void = { Issue.record("the disk of \($0) failed: \($1)") }
    }

    private struct Member: Sendable {
        var store = ForgetfulStore()
        var gate = Gate()
        var server: NodeServer?
    }

    struct NotAtRest: Error, CustomStringConvertible {
        var description: String
    }

    let config: ClusterConfig
    let map: ClusterMap
    let clock = TestClock()
    let dice: Dice
    let faults: StreamFaults
    let network = InProcessTransport()
    let client: RookeryClient
    let environment: Environment
    private let setup: Setup
    private let keeper: CountingKeeper
    private let members: Mutex<[NodeId: Member]>
    private let crashes = Mutex<[Task<Void, any Error>]>([])
    /// As clients, for calls that are made just once.
    let watchers: [NodeId: RPC.Channel]

    static let secret = [UInt8](repeating: 7, count: 32)
    static let group = MultiThreadedEventLoopGroup.singleton

    private init(_ setup: Setup) throws {
        config = try Self.config(setup)
        map = try config.initialMap()
        dice = Dice(seed: setup.seed)
        faults = StreamFaults(dice: dice)
        self.setup = setup
        keeper = CountingKeeper(map: map)
        members = Mutex(Dictionary(uniqueKeysWithValues: config.nodes.map { ($0.id, Member()) }))
        environment = Environment(clock: clock, random: dice.next, sleep: Environment.system.sleep)
        client = Self.client(of: config, map, environment, network)
        let (clusterId, network) = (config.clusterId, network)
        let watchers = config.nodes.map { ($0.id, Self.channel(to: $0, clusterId, network)) }
        self.watchers = Dictionary(uniqueKeysWithValues: watchers)
    }

    private static func config(_ setup: Setup) throws -> ClusterConfig {
        let nodes = (0..<setup.nodes).map { index in
            NodeInfo(
                id: NodeId("n\(index + 1)"), address: Address(host: setup.host, port: 7401 + index),
                region: setup.regions[index % setup.regions.count], zone: "z\(index)")
        }
        return ClusterConfig(
            clusterId: "stories", nodes: nodes,
            partitioning: try Partitioning(count: setup.partitions, regionNames: setup.regions), limits: setup.limits)
    }

    static func client(
        of config: ClusterConfig, _ map: ClusterMap, _ environment: Environment, _ transport: any Transport
    ) -> RookeryClient {
        var options = RookeryClient.Options()
        options.timeout = .seconds(20)
        options.environment = environment
        return RookeryClient(
            map: map, clusterId: config.clusterId, options: options, transport: transport, group: group)
    }

    private static func channel(
        to node: NodeInfo, _ clusterId: String, _ transport: any Transport, role: ChannelRole = .client
    ) -> RPC.Channel {
        var configuration = ChannelConfiguration(clusterId: clusterId, role: role)
        configuration.backoff = Backoff(initial: .milliseconds(1), cap: .milliseconds(10))
        return RPC.Channel(
            host: node.address.host, port: node.address.port, configuration: configuration, transport: transport,
            group: group, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    // MARK: Life

    /// Runs a story on a cluster of its own, which ends with it.
    static func run(_ setup: Setup = Setup(), _ story: (TestCluster) async throws -> Void) async throws {
        let cluster = try TestCluster(setup)
        for node in cluster.nodes { try await cluster.start(node) }
        do {
            try await story(cluster)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    var nodes: [NodeId] { config.nodes.map(\.id) }

    /// Every node tells the views that its readers have caused.
    func tellViews() async throws {
        let servers = members.withLock { $0.values.compactMap(\.server) }
        for server in servers { try await server.flushViews() }
    }

    private func start(_ id: NodeId) async throws {
        guard let member = members.withLock({ $0[id] }) else { return }
        var parts = NodeServer.Parts(
            config: config, id: id, secret: Self.secret, store: member.store, keeper: keeper,
            transport: member.gate.guarding(network), group: Self.group, clock: clock, random: dice.next,
            logger: Logger(label: "node", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { [setup] in setup.diskFailed(id, $0) }
        parts.partitionSettings = setup.partitionSettings
        parts.searchBlockTweets = setup.searchBlockTweets
        // Views are told when a story says so, or nothing would ever be at rest.
        parts.viewInterval = nil
        parts.passwordRounds = setup.passwordRounds
        parts.budgets = setup.budgets
        parts.interposeDeliver = faults.interpose(from: id, gate: member.gate)
        let server = try await NodeServer.start(parts)
        members.withLock { $0[id]?.server = server }
    }

    /// Ends a node as `kill -9` and a power cut would: from this moment nothing of it is heard, and what it had not
    /// synced is lost.
    func kill(_ id: NodeId) async throws {
        if let server = try sever(id) { await server.abort() }
    }

    func restart(_ id: NodeId) async throws {
        guard members.withLock({ $0[id]?.server == nil }) else { return }
        try await start(id)
    }

    /// Kills a node, now, and starts it again by and by. Does nothing to one that is down.
    func crash(_ id: NodeId) {
        crashes.withLock { crashes in
            do {
                guard let server = try sever(id) else { return }
                crashes.append(
                    Task {
                        await server.abort()
                        try await start(id)
                    })
            } catch {
                Issue.record("\(id) could not be killed: \(error)")
            }
        }
    }

    private func sever(_ id: NodeId) throws -> NodeServer? {
        try members.withLock { members in
            guard var member = members[id], let server = member.server else { return nil }
            // First the network, then the disk: what it has said, it has synced.
            member.gate.close()
            member.store = try member.store.crash(dice)
            member.gate = Gate()
            member.server = nil
            members[id] = member
            return server
        }
    }

    /// Everybody is up again.
    func recovered() async throws {
        while let crash = crashes.withLock({ $0.popLast() }) { try await crash.value }
    }

    private func stop() async {
        faults.watch(nil)
        faults.set(.none)
        // What a crash leaves to say has been said where it is waited for.
        try? await recovered()
        await client.close()
        for watcher in watchers.values { await watcher.close() }
        let servers = members.withLock { $0.values.compactMap(\.server) }
        for server in servers { await server.abort() }
    }

    // MARK: Rest

    /// Returns when every event has reached the partition it is for, and nothing more follows from any.
    func atRest(within limit: Duration = .seconds(60)) async throws {
        let end = ContinuousClock.now + limit
        var last: [NodeStatusReply] = []
        while true {
            try await recovered()
            let states = await statuses()
            // Twice the same: nothing slipped from a node not yet asked to one already asked.
            if states.count == nodes.count, states.allSatisfy(Self.isAtRest), Self.logs(states) == Self.logs(last) {
                return
            }
            guard ContinuousClock.now < end else {
                throw NotAtRest(description: "backlogs \(states.map(\.backlog)), logs \(Self.logs(states))")
            }
            last = states
            try await pause(ms: 3)
        }
    }

    /// Of those that are up: a node may die while it is asked.
    private func statuses() async -> [NodeStatusReply] {
        var states: [NodeStatusReply] = []
        for node in nodes {
            if let state = try? await status(of: node) { states.append(state) }
        }
        return states
    }

    private static func isAtRest(_ state: NodeStatusReply) -> Bool {
        state.backlog == 0 && state.partitions.allSatisfy { $0.serving && $0.appliedIndex == $0.lastIndex }
    }

    private static func logs(_ states: [NodeStatusReply]) -> [[UInt64]] {
        states.map { $0.partitions.map(\.lastIndex) }
    }

    // MARK: What is stored

    func store(of node: NodeId) -> ForgetfulStore? { members.withLock { $0[node]?.store } }

    /// All rows of all nodes, as lines `family key value`.
    func rows() throws -> Set<Substring> {
        try nodes.reduce(into: []) { rows, node in
            rows.formUnion(try store(of: node)?.dump().split(separator: "\n") ?? [])
        }
    }

    /// All product rows of all nodes: what services have written.
    func products() throws -> String {
        let families = Family.allCases.filter(\.isProduct)
        return try nodes.map { node in try "\(node)\n" + (store(of: node)?.dump(families) ?? "") }.joined()
    }
}
