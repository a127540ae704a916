import Cluster
import Coordination
import Logging
import Messages
import NIOCore
import NIOPosix
import RPC
import Replication
import Storage
import Synchronization
import TestService

/// A node: its store, the partitions it leads, its services, and its ways to the other nodes.
public final class NodeServer: Sendable {
    /// What a node is made of. Time, chance, network and disk are parameters.
    public struct Parts: Sendable {
        public var config: ClusterConfig
        public var id: NodeId
        /// Shared by the nodes of the cluster; proves peers and signs sessions.
        public var secret: [UInt8]
        public var store: any Store
        public var keeper: any Keeper
        public var transport: any Transport
        public var group: any EventLoopGroup
        public var clock: any WallClock
        public var random: @Sendable () -> UInt64
        public var logger: Logger
        /// A write or sync failed; the process must end (rule C9).
        public var fatal: @Sendable (any Error) -> Void
        public var partitionSettings = Partition.Settings()
        /// Answers the methods of `TestService`, too.
        public var testService = false
        /// scrypt's N; smaller only in tests.
        public var passwordRounds = 1 << 17
        /// Tweets a block of the search index; fewer only in tests.
        public var searchBlockTweets = PartitionIndex.defaultSegmentCapacity
        public var budgets = LookBudgets()
        /// How often readers' views are told (rule F3); nil only when told to (`flushViews`).
        public var viewInterval: Duration? = .seconds(1)
        /// Wraps the calls that carry streams; tests lose, double and delay them.
        public var interposeDeliver: @Sendable (NodeId, @escaping StreamLink.Deliver) -> StreamLink.Deliver = { $1 }

        public init(
            config: ClusterConfig, id: NodeId, secret: [UInt8], store: any Store, keeper: any Keeper,
            transport: any Transport, group: any EventLoopGroup, clock: any WallClock = SystemClock(),
            random: @escaping @Sendable () -> UInt64, logger: Logger, fatal: @escaping @Sendable (any Error) -> Void
        ) {
            self.config = config
            self.id = id
            self.secret = secret
            self.store = store
            self.keeper = keeper
            self.transport = transport
            self.group = group
            self.clock = clock
            self.random = random
            self.logger = logger
            self.fatal = fatal
        }
    }

    public enum StartFailure: Error, CustomStringConvertible {
        case unknownNode(NodeId, known: [NodeId])

        public var description: String {
            switch self {
            case .unknownNode(let id, let known):
                "there is no node \(id) in this cluster: it has \(known.map(\.rawValue).joined(separator: ", "))"
            }
        }
    }

    private let parts: Parts
    private let info: NodeInfo
    private let node: NodeContext
    private let log: GroupLog
    private let pool: NIOThreadPool
    private let searches: QuestionPool
    private let rankings: QuestionPool
    private let flusher: SumFlusher
    private let search: SearchIndex
    private let tops: TopHomes
    private let server: Server
    private let channels: [NodeId: RPC.Channel]
    private let links: [NodeId: StreamLink]
    private let tasks: Mutex<[Task<Void, Never>]>
    private let startedMs: UInt64
    private let serving = Mutex(false)
    private let statusSource = StatusSource()

    /// Threads that evaluate commands and read rows.
    private static let storageThreads = 2
    private static let searchThreads = 2
    /// A ranking's question goes to all of the node's homes, and one at a time may ask a home: a second thread would
    /// mostly wait for the first.
    private static let rankingThreads = 1

    /// Recovers what is stored, connects, and serves.
    /// - Throws: `StartFailure`, `ReplicationError.corrupt`, `TransportError` when the address cannot be used, or what
    ///   storage and the keeper throw.
    public static func start(_ parts: Parts) async throws -> NodeServer {
        let server = try NodeServer(parts)
        do {
            try await server.recover()
            try await server.serve()
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
        return server
    }

    private init(_ parts: Parts) throws {
        guard let info = parts.config.node(parts.id) else {
            throw StartFailure.unknownNode(parts.id, known: parts.config.nodes.map(\.id))
        }
        self.parts = parts
        self.info = info
        let map = try parts.keeper.clusterMap()
        var logger = parts.logger
        logger[metadataKey: "node"] = "\(parts.id)"
        let hasher = SecretHasher(threads: parts.config.limits.passwordHashes, rounds: parts.passwordRounds)
        let node = NodeContext(
            config: parts.config, id: parts.id, map: map, clock: parts.clock, random: parts.random,
            secret: parts.secret, hasher: hasher, logger: logger)
        self.node = node
        flusher = SumFlusher(partitioning: map.partitioning, logger: logger)
        log = GroupLog(store: parts.store, fatal: parts.fatal)
        pool = NIOThreadPool(numberOfThreads: Self.storageThreads)
        pool.start()
        searches = QuestionPool(threads: Self.searchThreads)
        rankings = QuestionPool(threads: Self.rankingThreads)
        search = SearchIndex(
            store: parts.store, pool: searches, segmentCapacity: parts.searchBlockTweets, logger: logger,
            fatal: parts.fatal)
        tops = TopHomes(
            partitioning: map.partitioning, store: parts.store, pool: rankings, clock: parts.clock,
            seed: parts.random(), logger: logger)
        channels = Self.channels(to: map, parts, logger)
        node.attach(channels: channels)
        links = Self.links(for: map, node, parts, logger)
        tasks = Mutex([])
        startedMs = parts.clock.nowMs()
        server = Server(
            configuration: Self.serverConfiguration(parts),
            methods: Self.methods(
                NodeMethods(node: node, search: search, tops: tops, budgets: parts.budgets)
                    .table(status: statusSource.read), parts),
            transport: parts.transport, group: parts.group, logger: logger)
        statusSource.attach(self)
    }

    private static func methods(_ own: MethodTable, _ parts: Parts) -> MethodTable {
        var methods = own
        if parts.testService { TestService.register(in: &methods) }
        return methods
    }

    private static func serverConfiguration(_ parts: Parts) -> ServerConfiguration {
        let limits = parts.config.limits
        var client = RPC.Limits.client
        client.maxMessageBytes = limits.maxMessageBytes
        client.maxFrameBytes = limits.maxMessageBytes + 128 * 1024
        client.maxConcurrentStreams = limits.maxStreams
        return ServerConfiguration(
            clusterId: parts.config.clusterId, nodeId: parts.id.rawValue, secret: parts.secret, limits: client,
            maxInFlight: limits.maxInFlight, maxConnections: limits.maxConnections)
    }

    private static func channels(
        to map: ClusterMap, _ parts: Parts, _ logger: Logger
    ) -> [NodeId: RPC.Channel] {
        let others = map.sortedNodes.filter { $0.id != parts.id }
        return Dictionary(uniqueKeysWithValues: others.map { ($0.id, channel(to: $0, parts, logger)) })
    }

    private static func channel(to other: NodeInfo, _ parts: Parts, _ logger: Logger) -> RPC.Channel {
        let address = other.address
        let configuration = ChannelConfiguration(
            clusterId: parts.config.clusterId, role: .peer(nodeId: parts.id.rawValue, secret: parts.secret),
            nodeId: other.id.rawValue, backoff: address.isLoopback ? .local : Backoff())
        return RPC.Channel(
            host: address.host, port: address.port, configuration: configuration, transport: parts.transport,
            group: parts.group, logger: logger)
    }

    private static func links(
        for map: ClusterMap, _ node: NodeContext, _ parts: Parts, _ logger: Logger
    ) -> [NodeId: StreamLink] {
        let links = map.sortedNodes.map { other in
            let deliver = parts.interposeDeliver(other.id, Self.deliver(to: other.id, node))
            let link = StreamLink(
                to: other.id, partition: { node.partition($0) }, deliver: deliver,
                pause: { failures in try await Task.sleep(for: .milliseconds(min(1000, 10 << min(failures, 7)))) },
                logger: logger)
            return (other.id, link)
        }
        return Dictionary(uniqueKeysWithValues: links)
    }

    private static func deliver(to other: NodeId, _ node: NodeContext) -> StreamLink.Deliver {
        if other == node.id {
            let peers = PeerService(node: node)
            return { try await peers.deliver($0) }
        }
        return { request in
            guard let channel = node.channel(to: other) else {
                throw RPCError(.unavailable, "this node has no way to \(other)", ran: .no, retryable: true)
            }
            let options = CallOptions(timeout: .seconds(10))
            let reply = try await channel.unary("rookery.Peer/Deliver", request.encode(), options: options)
            return try DeliverReply.decode(reply.message)
        }
    }

    // MARK: Start

    private func recover() async throws {
        let epoch = try parts.keeper.nextEpoch()
        let map = node.map
        let mine = map.rows.filter { $0.primary == parts.id }
        for row in mine {
            // Each is attached as it starts: should a later one fail, all are stopped.
            node.attach(partitions: [try await context().start(row.partition, epoch: epoch, members: row.members)])
        }
        parts.logger.info(
            "recovered", metadata: ["node": "\(parts.id)", "partitions": "\(mine.count)", "epoch": "\(epoch)"])
    }

    private func context() -> PartitionContext {
        let (node, links) = (node, links)
        return PartitionContext(
            node: parts.id, loop: parts.group.next(), store: parts.store, log: log, pool: pool, clock: parts.clock,
            handler: StreamEvents(partitioning: node.partitioning),
            observers: [flusher, node.settled, node.sessions, tops] + (parts.config.storage.index ? [search] : []),
            logger: node.logger, settings: parts.partitionSettings
        ) { source, destinations in
            for (owner, destinations) in Dictionary(grouping: destinations, by: { node.owner(of: $0) }) {
                if let owner { links[owner]?.hasNews(source, destinations) }
            }
        }
    }

    private func serve() async throws {
        // Listening comes last: who is answered may rely on everything.
        var running = links.values.map { link in Task { await link.run() } } + [Task { await keepHouse() }]
        if let interval = parts.viewInterval { running.append(Task { await tellViews(every: interval) }) }
        tasks.withLock { [running] in $0 = running }
        for partition in node.partitions {
            let waiting = await partition.waitingDestinations()
            for (owner, destinations) in Dictionary(grouping: waiting, by: { node.owner(of: $0) }) {
                if let owner { links[owner]?.hasNews(partition.id, destinations) }
            }
        }
        let port = try await server.start(host: info.address.host, port: info.address.port)
        await greet()
        serving.withLock { $0 = true }
        parts.logger.info(
            "serving", metadata: ["node": "\(parts.id)", "address": "\(info.address.host):\(port)"])
    }

    /// Tells the others that this node is there. Those who called it while it was not would leave it alone for a while,
    /// and refuse people what lies here. Who is not there either learns of this node when it calls.
    private func greet() async {
        await withTaskGroup(of: Void.self) { group in
            for (other, channel) in channels {
                group.addTask { [node] in
                    do {
                        let options = CallOptions(timeout: .seconds(1))
                        _ = try await channel.unary("rookery.Peer/Greet", Empty().encode(), options: options)
                    } catch {
                        node.logger.debug("not greeted", metadata: ["peer": "\(other)", "error": "\(error)"])
                    }
                }
            }
        }
    }

    /// Forgets old request ids now and then.
    private func keepHouse() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(600))
                for partition in node.partitions { try await partition.forgetOldRequests() }
            } catch is CancellationError {
                return
            } catch {
                node.logger.warning("old request ids were not forgotten", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Each part once in an interval.
    private func tellViews(every interval: Duration) async {
        var part = 0
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: interval / ViewCounter.parts)
                part = (part + 1) % ViewCounter.parts
                try await node.views.flush(part, node)
            } catch is CancellationError {
                return
            } catch {
                node.logger.warning("views wait", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Tells the views that readers of this node have caused.
    public func flushViews() async throws { try await node.views.flush(node) }

    // MARK: Life

    /// Whether the node serves.
    public var isServing: Bool { serving.withLock { $0 } }

    /// Finishes what runs, takes nothing new, and lets go of the store's threads. The store stays the caller's.
    public func shutdown(grace: Duration) async {
        serving.withLock { $0 = false }
        await server.shutdown(grace: grace)
        do {
            try await flushViews()
        } catch {
            node.logger.warning("the last views are lost", metadata: ["error": "\(error)"])
        }
        await stopParts()
    }

    /// Stops as if killed: connections break, nothing is finished. For tests.
    public func abort() async {
        serving.withLock { $0 = false }
        await server.abort()
        await stopParts()
    }

    private func stopParts() async {
        let running = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { task.cancel() }
        statusSource.attach(nil)
        for partition in node.partitions { await partition.stop() }
        for channel in channels.values { await channel.close() }
        for task in running { await task.value }
        let endings: [(String, () async throws -> Void)] = [
            ("log", log.close), ("storage threads", { try await self.pool.shutdownGracefully() }),
            ("search threads", searches.shutdown), ("ranking threads", rankings.shutdown),
            ("password threads", node.hasher.shutdown),
        ]
        for (name, end) in endings {
            do {
                try await end()
            } catch {
                parts.logger.error("did not stop cleanly", metadata: ["part": "\(name)", "error": "\(error)"])
            }
        }
    }

    func status() async -> NodeStatusReply {
        var partitions: [PartitionStatus] = []
        for partition in node.partitions {
            var status = await partition.status()
            status.backlog += UInt64(flusher.backlog(in: partition.id))
            partitions.append(status)
        }
        let load = server.load
        return .with {
            $0.id = parts.id.rawValue
            $0.address = info.address.description
            $0.region = info.region
            $0.zone = info.zone
            $0.mapVersion = node.map.version
            $0.inFlight = UInt32(load.inFlight)
            $0.medianLatencyUs = load.medianLatencyUs
            $0.utilisationPermille = UInt32(load.utilisationPermille)
            $0.draining = load.draining
            $0.startedMs = startedMs
            $0.backlog = partitions.reduce(0) { $0 + $1.backlog }
            $0.partitions = partitions
        }
    }
}

/// Breaks the circle between the server, which needs its methods, and the status method, which needs the server.
private final class StatusSource: Sendable {
    private let server = Mutex<NodeServer?>(nil)

    func attach(_ server: NodeServer?) { self.server.withLock { $0 = server } }

    @Sendable func read() async -> NodeStatusReply {
        await server.withLock { $0 }?.status() ?? NodeStatusReply()
    }
}
