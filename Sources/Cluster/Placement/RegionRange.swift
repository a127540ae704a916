/// A region and the contiguous partitions it owns (rule A1): ids of its users and tweets name one of these.
public struct RegionRange: Hashable, Sendable {
    public var name: String
    public var first: UInt16
    public var count: UInt16

    public init(name: String, first: UInt16, count: UInt16) {
        self.name = name
        self.first = first
        self.count = count
    }

    public func contains(_ partition: PartitionId) -> Bool {
        indices.contains(Int(partition.rawValue))
    }

    /// Its partitions, ascending.
    public var partitions: [PartitionId] {
        indices.map { PartitionId(UInt16($0)) }
    }

    var indices: Range<Int> { Int(first)..<Int(first) + Int(count) }
}
