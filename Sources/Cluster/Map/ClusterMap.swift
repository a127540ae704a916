/// Why rows do not make a map.
public enum ClusterMapError: Error, Hashable, Sendable, CustomStringConvertible {
    case missingPartition(PartitionId)
    case duplicatePartition(PartitionId)
    case unknownPartition(PartitionId)

    public var description: String {
        switch self {
        case .missingPartition(let partition): "the cluster map has no row for partition \(partition)"
        case .duplicatePartition(let partition): "the cluster map has two rows for partition \(partition)"
        case .unknownPartition(let partition): "there is no partition \(partition)"
        }
    }
}

/// Who is there, and who owns which partition. A client's copy may be old: the owner says so and sends the current row.
public struct ClusterMap: Hashable, Sendable {
    /// Up to here all changes are in. A single row that came with a redirect may be newer.
    public private(set) var version: UInt64
    public let partitioning: Partitioning
    public private(set) var nodes: [NodeId: NodeInfo]
    /// One for each partition, at its number.
    public private(set) var rows: [PartitionRow]

    /// - Parameter rows: one for each partition, in any order.
    public init(
        version: UInt64, partitioning: Partitioning, nodes: [NodeId: NodeInfo], rows: [PartitionRow]
    ) throws(ClusterMapError) {
        self.version = version
        self.partitioning = partitioning
        self.nodes = nodes
        self.rows = rows.sorted { $0.partition < $1.partition }
        try check()
    }

    /// The row of a partition; nil when there is no such partition.
    public func row(of partition: PartitionId) -> PartitionRow? {
        let index = Int(partition.rawValue)
        return rows.indices.contains(index) ? rows[index] : nil
    }

    /// The node that is a partition's primary; nil when there is no such partition, or the map does not know the node.
    public func owner(of partition: PartitionId) -> NodeInfo? {
        row(of: partition).flatMap { nodes[$0.primary] }
    }

    /// The nodes, ascending by id: a dictionary's own order differs from process to process.
    public var sortedNodes: [NodeInfo] {
        nodes.values.sorted { $0.id < $1.id }
    }

    /// Takes a row only if it is newer than the one that is there (rule C8); says whether it did.
    @discardableResult
    public mutating func update(row: PartitionRow) -> Bool {
        guard let current = self.row(of: row.partition), row.revision > current.revision else { return false }
        rows[Int(row.partition.rawValue)] = row
        return true
    }

    /// Takes what changed up to `version`: the nodes as they are now, and rows, each if it is newer.
    ///
    /// - Returns: false when the map had all of it.
    @discardableResult
    public mutating func merge(version: UInt64, nodes: [NodeInfo], rows: [PartitionRow]) -> Bool {
        var changed = false
        for row in rows where update(row: row) { changed = true }
        guard version > self.version else { return changed }
        self.version = version
        if !nodes.isEmpty { self.nodes = Dictionary(nodes.map { ($0.id, $0) }, uniquingKeysWith: { $1 }) }
        return true
    }

    private func check() throws(ClusterMapError) {
        for (index, row) in rows.enumerated() {
            let number = Int(row.partition.rawValue)
            guard partitioning.contains(row.partition) else { throw .unknownPartition(row.partition) }
            if number < index { throw .duplicatePartition(row.partition) }
            if number > index { throw .missingPartition(PartitionId(UInt16(index))) }
        }
        if rows.count < partitioning.count { throw .missingPartition(PartitionId(UInt16(rows.count))) }
    }
}
