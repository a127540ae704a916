/// Where the ring puts one partition.
public struct Placement: Hashable, Sendable {
    public var partition: PartitionId
    /// One of `members`.
    public var primary: NodeId
    /// Ascending, as many as there are replicas.
    public var members: [NodeId]

    public init(partition: PartitionId, primary: NodeId, members: [NodeId]) {
        self.partition = partition
        self.primary = primary
        self.members = members
    }
}
