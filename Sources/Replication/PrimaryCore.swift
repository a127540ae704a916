import Cluster

/// What a primary decides: which (epoch, index) an entry gets, and when it is committed. Pure; the driver is
/// `Partition`. After PacificA (Lin et al., MSR-TR-2008-25), section 2: an entry is committed once *all* members of
/// the configuration hold it durably (rule C1).
public struct PrimaryCore: Sendable {
    /// What the driver must do next, in order.
    public enum Action: Equatable, Sendable {
        /// Apply the committed entries up to and with this index.
        case apply(upTo: UInt64)
    }

    public struct Position: Equatable, Sendable {
        public var epoch: UInt64
        public var index: UInt64
        public var previousEpoch: UInt64

        public init(epoch: UInt64, index: UInt64, previousEpoch: UInt64) {
            self.epoch = epoch
            self.index = index
            self.previousEpoch = previousEpoch
        }
    }

    public let epoch: UInt64
    public private(set) var lastIndex: UInt64
    public private(set) var commitIndex: UInt64
    public private(set) var appliedIndex: UInt64
    private var lastEpoch: UInt64
    private var durable: [NodeId: UInt64]

    /// - Parameters:
    ///   - epoch: given by the keeper for this start; above every epoch in the log (rule B1).
    ///   - members: of the last confirmed configuration, this node among them.
    public init(epoch: UInt64, lastEpoch: UInt64, lastIndex: UInt64, appliedIndex: UInt64, members: [NodeId]) {
        precondition(epoch > lastEpoch, "an epoch is never continued across a restart")
        precondition(!members.isEmpty, "a partition has members")
        self.epoch = epoch
        self.lastEpoch = lastEpoch
        self.lastIndex = lastIndex
        self.commitIndex = appliedIndex
        self.appliedIndex = appliedIndex
        self.durable = Dictionary(uniqueKeysWithValues: members.map { ($0, appliedIndex) })
    }

    /// The place of the next entry.
    public mutating func propose() -> Position {
        let position = Position(epoch: epoch, index: lastIndex + 1, previousEpoch: lastEpoch)
        lastIndex += 1
        lastEpoch = epoch
        return position
    }

    /// A member holds everything up to and with `index` durably.
    public mutating func madeDurable(by member: NodeId, upTo index: UInt64) -> [Action] {
        guard let known = durable[member], index > known, index <= lastIndex else { return [] }
        durable[member] = index
        // rule C1: all members, not a majority
        let committed = durable.values.min() ?? 0
        guard committed > commitIndex else { return [] }
        commitIndex = committed
        return [.apply(upTo: committed)]
    }

    public mutating func applied(upTo index: UInt64) {
        precondition(index <= commitIndex, "only committed entries are applied")
        appliedIndex = max(appliedIndex, index)
    }
}
