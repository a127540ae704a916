/// What the cluster map says of one partition. A row with a higher revision is the newer one (rule C8).
public struct PartitionRow: Hashable, Sendable {
    public var partition: PartitionId
    public var region: String
    public var epoch: UInt64
    public var primary: NodeId
    /// The primary and those that are in sync with it.
    public var members: [NodeId]
    /// Those that are catching up; they serve nothing (rule C6).
    public var learners: [NodeId]
    public var revision: UInt64

    public init(
        partition: PartitionId, region: String, epoch: UInt64, primary: NodeId, members: [NodeId],
        learners: [NodeId] = [], revision: UInt64
    ) {
        self.partition = partition
        self.region = region
        self.epoch = epoch
        self.primary = primary
        self.members = members
        self.learners = learners
        self.revision = revision
    }
}
