import Cluster
import Messages

// The map's pieces as they cross the wire, and back. What comes from the wire is checked: a row that names a
// partition that cannot be is no row.

extension Cluster.PartitionRow {
    /// Nil when the message names a partition that no cluster can have.
    public init?(_ message: Messages.PartitionRow) {
        guard message.partition < 16_384, let number = UInt16(exactly: message.partition) else { return nil }
        self.init(
            partition: PartitionId(number), region: message.region, epoch: message.epoch,
            primary: NodeId(rawValue: message.primary), members: message.members.map { NodeId(rawValue: $0) },
            learners: message.learners.map { NodeId(rawValue: $0) }, revision: message.revision)
    }

    public var message: Messages.PartitionRow {
        .with {
            $0.partition = UInt32(partition.rawValue)
            $0.region = region
            $0.epoch = epoch
            $0.primary = primary.rawValue
            $0.members = members.map(\.rawValue)
            $0.learners = learners.map(\.rawValue)
            $0.revision = revision
        }
    }
}

extension NodeInfo {
    /// Nil when the address is none.
    public init?(_ message: NodeRow) {
        guard let address = Address(message.address) else { return nil }
        // A state that this program does not know yet is surely not one to send work to.
        let state = State(rawValue: message.state) ?? .down
        self.init(
            id: NodeId(rawValue: message.id), address: address, region: message.region, zone: message.zone,
            weight: Int(max(1, message.weight)), state: state)
    }

    public var message: NodeRow {
        .with {
            $0.id = id.rawValue
            $0.address = address.description
            $0.region = region
            $0.zone = zone
            $0.weight = UInt32(clamping: weight)
            $0.state = state.rawValue
        }
    }
}
