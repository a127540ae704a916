import Cluster
import Messages

/// What a node says of itself.
public struct NodeStatus: Hashable, Sendable {
    public var id: NodeId
    public var region: String
    public var zone: String
    public var mapVersion: UInt64
    public var startedAt: Timestamp
    public var draining: Bool
    /// Calls whose handlers run now.
    public var inFlight: Int
    public var medianLatencyUs: Int
    /// How much of what the node takes at once is in use, in thousandths.
    public var utilisationPermille: Int
    /// Partitions that it holds.
    public var partitions: Int
    /// Those of them of which it is the primary.
    public var primaries: Int
    /// Those of its primaries that take calls.
    public var serving: Int
    /// Events in its logs that have not reached the partition they are for.
    public var backlog: UInt64

    init(_ reply: NodeStatusReply) {
        id = NodeId(rawValue: reply.id)
        region = reply.region
        zone = reply.zone
        mapVersion = reply.mapVersion
        startedAt = Timestamp(unixMs: reply.startedMs)
        draining = reply.draining
        inFlight = Int(reply.inFlight)
        medianLatencyUs = Int(reply.medianLatencyUs)
        utilisationPermille = Int(reply.utilisationPermille)
        partitions = reply.partitions.count
        primaries = reply.partitions.count { $0.primary }
        serving = reply.partitions.count { $0.primary && $0.serving }
        backlog = reply.backlog
    }
}

extension RookeryClient {
    /// Asks one node how it is; not repeated, so that a node that is down is known at once.
    public func status(of node: NodeId, timeout: Duration = .seconds(2)) async throws -> NodeStatus {
        NodeStatus(
            try await ask(
                "rookery.Cluster/Status", StatusRequest(), as: NodeStatusReply.self, at: .node(node), session: nil,
                key: nil, .never, timeout: timeout))
    }

    /// Events in the nodes' logs that have not reached the partition they are for; 0 when the cluster is at rest.
    public func backlog() async throws -> UInt64 {
        var sum: UInt64 = 0
        for node in map.sortedNodes { sum += try await status(of: node.id).backlog }
        return sum
    }
}
