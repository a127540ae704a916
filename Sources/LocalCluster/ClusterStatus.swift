import Client
import Cluster

/// How a cluster is: one row a node, from its process and from what it answers. `rookery cluster status --json`.
public struct ClusterStatus: Codable, Hashable, Sendable {
    public var mapVersion: UInt64
    public var nodes: [Node]

    enum CodingKeys: String, CodingKey {
        case nodes
        case mapVersion = "map_version"
    }

    public struct Node: Codable, Hashable, Sendable {
        public var id: String
        public var address: String
        public var region: String
        public var zone: String
        /// `up`, `starting` (not all its partitions serve yet), `draining`, `paused`, `down`, or `unreachable`
        /// (its process runs, and does not answer).
        public var state: String
        public var pid: Int32?
        public var partitions: Int
        public var primaries: Int
        public var serving: Int
        public var inFlight: Int
        public var medianLatencyUs: Int
        public var utilisationPermille: Int
        public var backlog: UInt64
        public var startedAt: Timestamp?

        enum CodingKeys: String, CodingKey {
            case id, address, region, zone, state, pid, partitions, primaries, serving, backlog
            case inFlight = "in_flight"
            case medianLatencyUs = "median_latency_us"
            case utilisationPermille = "utilisation_permille"
            case startedAt = "started_at"
        }

        init(_ node: NodeInfo, process: LocalCluster.ProcessState, status: NodeStatus?) {
            id = node.id.rawValue
            address = node.address.description
            region = node.region
            zone = node.zone
            state = Self.state(process, status)
            pid = Self.pid(process)
            partitions = status?.partitions ?? 0
            primaries = status?.primaries ?? 0
            serving = status?.serving ?? 0
            inFlight = status?.inFlight ?? 0
            medianLatencyUs = status?.medianLatencyUs ?? 0
            utilisationPermille = status?.utilisationPermille ?? 0
            backlog = status?.backlog ?? 0
            startedAt = status?.startedAt
        }

        private static func pid(_ process: LocalCluster.ProcessState) -> Int32? {
            switch process {
            case .stopped: nil
            case .running(let pid), .paused(let pid): pid
            }
        }

        private static func state(_ process: LocalCluster.ProcessState, _ status: NodeStatus?) -> String {
            if process.isPaused { return "paused" }
            guard let status else { return process == .stopped ? "down" : "unreachable" }
            if status.draining { return "draining" }
            return status.serving == status.primaries ? "up" : "starting"
        }
    }
}

extension LocalCluster {
    /// Asks every node at once; one that does not answer within the timeout shows as it is.
    public func status(timeout: Duration = .seconds(1)) async throws -> ClusterStatus {
        try directory.check(clusterId: config.clusterId)
        let client = try RookeryClient(config: config)
        let processes = try config.nodes.map { node in (node, try state(of: node.id)) }
        let answers = await withTaskGroup(of: (NodeId, NodeStatus?).self) { group in
            for (node, process) in processes where !process.isPaused {
                // No answer is what the row then says.
                group.addTask { (node.id, try? await client.status(of: node.id, timeout: timeout)) }
            }
            return await group.reduce(into: [NodeId: NodeStatus]()) { $0[$1.0] = $1.1 }
        }
        await client.close()
        let version = answers.values.map(\.mapVersion).max() ?? client.map.version
        return ClusterStatus(
            mapVersion: version,
            nodes: processes.map { node, process in
                ClusterStatus.Node(node, process: process, status: answers[node.id])
            })
    }
}
