import Cluster

/// Why a partition did not carry out a command. None of them left anything behind (rule B6).
public enum ReplicationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The partition is starting, stopping, or not led from here.
    case notServing(partition: PartitionId)
    /// The request id is older than the answers are kept (rule B3).
    case requestExpired
    /// The request id's time lies ahead of this node's clock.
    case requestFromFuture
    /// The clock was set back by more than ids may run ahead of it (rule A2).
    case clockBehind(partition: PartitionId)
    /// Too many commands wait for this partition.
    case overloaded(partition: PartitionId)
    /// Something that was stored is not as it was written. The partition stops, loudly (rule C7).
    case corrupt(partition: PartitionId, what: String)
    /// A write that this session made has not arrived here in the time the call had.
    case notCaughtUp(partition: PartitionId)

    public var description: String {
        switch self {
        case .notServing(let partition): "partition \(partition) is not serving"
        case .requestExpired: "the request id is older than 24 hours"
        case .requestFromFuture: "the request id's time lies in the future: check this machine's clock"
        case .clockBehind(let partition): "partition \(partition): the clock was set back; ids wait for it"
        case .overloaded(let partition): "partition \(partition) has too many commands waiting"
        case .corrupt(let partition, let what): "partition \(partition): \(what)"
        case .notCaughtUp(let partition): "partition \(partition): a write of this session is still on its way"
        }
    }
}
