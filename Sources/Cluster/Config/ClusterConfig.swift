import Glibc

/// What `cluster.yaml` says: the cluster's shape when it is created, and how its nodes run.
public struct ClusterConfig: Hashable, Sendable {
    /// Who keeps the configuration of the partitions' replicas.
    public enum Keeper: String, Hashable, Sendable, CaseIterable {
        /// Nobody: the ring's placement holds for ever. For one replica only, since it can replace none.
        case `static`
    }

    public struct Storage: Hashable, Sendable {
        /// Whether an append is on the disk before it is acknowledged. Off only to measure what that costs.
        public var sync = true

        /// Whether tweets can be searched for. Off only to measure what that costs.
        public var index = true

        public init(sync: Bool = true, index: Bool = true) {
            self.sync = sync
            self.index = index
        }
    }

    /// More replicas than this protect against nothing that fewer do not.
    public static let replicaRange = 1...7

    /// Nodes and clients of another cluster are turned away by it.
    public var clusterId: String
    /// In the order of the file.
    public var nodes: [NodeInfo]
    /// Where nodes serve their metrics; a node without an entry serves none.
    public var metrics: [NodeId: Address]
    public var partitioning: Partitioning
    public var replicas: Int
    public var keeper: Keeper
    public var limits: Limits
    public var storage: Storage
    /// nil: plaintext.
    public var tls: TLS?

    public init(
        clusterId: String, nodes: [NodeInfo], metrics: [NodeId: Address] = [:], partitioning: Partitioning,
        replicas: Int = 1, keeper: Keeper = .static, limits: Limits = Limits(), storage: Storage = Storage(),
        tls: TLS? = nil
    ) {
        self.clusterId = clusterId
        self.nodes = nodes
        self.metrics = metrics
        self.partitioning = partitioning
        self.replicas = replicas
        self.keeper = keeper
        self.limits = limits
        self.storage = storage
        self.tls = tls
    }

    /// The number of partitions.
    public var partitions: Int { partitioning.count }

    /// The regions in order, with the partitions each owns.
    public var regions: [RegionRange] { partitioning.regions }

    public func node(_ id: NodeId) -> NodeInfo? {
        nodes.first { $0.id == id }
    }

    /// The map of a cluster that has just been created: the ring's placement, epoch 1, revision 1.
    public func initialMap() throws -> ClusterMap {
        let placements = try Ring.place(nodes: nodes, partitioning: partitioning, replicas: replicas)
        let rows = placements.map { placement in
            PartitionRow(
                partition: placement.partition, region: partitioning.region(of: placement.partition)?.name ?? "",
                epoch: 1, primary: placement.primary, members: placement.members, revision: 1)
        }
        let byId = Dictionary(nodes.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        return try ClusterMap(version: 1, partitioning: partitioning, nodes: byId, rows: rows)
    }

    /// Reads a file. Errors name it as `path` does.
    public static func load(path: String) throws(ConfigError) -> ClusterConfig {
        try parse(contents(of: path), file: path)
    }

    private static func contents(of path: String) throws(ConfigError) -> String {
        guard let file = fopen(path, "r") else { throw unreadable(path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard ferror(file) == 0 else { throw unreadable(path) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigError(file: path, line: nil, path: "", problem: "is not UTF-8 text")
        }
        return text
    }

    private static func unreadable(_ path: String) -> ConfigError {
        ConfigError(file: path, line: nil, path: "", problem: "cannot be read: \(String(cString: strerror(errno)))")
    }
}
