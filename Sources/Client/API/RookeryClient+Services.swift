import Cluster
import RPC

public typealias HealthStatus = RPC.HealthStatus
public typealias ServiceShape = RPC.ServiceShape
public typealias MethodShape = RPC.MethodShape
public typealias MessageFamily = RPC.MessageFamily
public typealias ConnectionReport = RPC.ConnectionReport
public typealias ConnectionPage = RPC.ConnectionPage
public typealias StreamReport = RPC.StreamReport
public typealias StreamPage = RPC.StreamPage
public typealias ServerTotals = RPC.ServerTotals
public typealias Traffic = RPC.Traffic

/// What every node tells of itself. Calls are not repeated, so that a node that is down is known at once.
extension RookeryClient {
    /// How long a node may take to tell.
    public static let lookTimeout = Duration.seconds(2)

    /// Whether a service of this node takes work; "" is the whole node. Fails with `.notFound` when it has none such.
    public func health(of service: String = "", at node: NodeId) async throws -> HealthStatus {
        try await look(at: node) { try await $0.health(of: service, options: $1) }
    }

    /// Tells of a service's status at this node, now and whenever it changes; returns only by throwing, when the node
    /// stops or is gone, or when the task is cancelled.
    public func watchHealth(
        of service: String = "", at node: NodeId, changed: (HealthStatus) -> Void
    ) async throws {
        try await look(at: node) { channel, _ in
            let watch = channel.watchHealth(of: service)
            while let status = try await watch.next() { changed(status) }
        }
    }

    /// The services of this node and their methods.
    public func services(at node: NodeId) async throws -> [ServiceShape] {
        try await look(at: node) { try await $0.services(options: $1) }
    }

    /// A message of this node's methods, with all that it holds. Fails with `.notFound` when none has to do with it.
    public func message(named name: String, at node: NodeId) async throws -> MessageFamily {
        try await look(at: node) { try await $0.message(named: name, options: $1) }
    }

    /// What this node's server has done since it started. Like the next two, for clients on the node's machine.
    public func totals(of node: NodeId) async throws -> ServerTotals {
        try await look(at: node) { try await $0.totals(options: $1) }
    }

    /// This node's connections with ids above `after`, at most 256.
    public func connections(of node: NodeId, after: UInt64 = 0, limit: Int = 0) async throws -> ConnectionPage {
        try await look(at: node) {
            try await $0.connections(after: after, limit: UInt32(clamping: limit), options: $1)
        }
    }

    /// The calls that are open on one of this node's connections, with ids above `after`, at most 256.
    public func streams(
        of connection: UInt64, at node: NodeId, after: UInt32 = 0, limit: Int = 0
    ) async throws -> StreamPage {
        try await look(at: node) {
            try await $0.streams(of: connection, after: after, limit: UInt32(clamping: limit), options: $1)
        }
    }

    private func look<Value>(
        at node: NodeId, _ body: (RPC.Channel, CallOptions) async throws -> Value
    ) async throws -> Value {
        let choice = try pool.choose(from: table.nodes(for: .node(node)).nodes)
        do {
            let value = try await body(choice.channel, CallOptions(timeout: Self.lookTimeout))
            pool.finished(choice, .answered, load: nil)
            return value
        } catch let error as RPCError {
            pool.finished(choice, NodeTracker.Outcome(error), load: error.load)
            throw RookeryError(error, node: choice.node)
        } catch {
            pool.finished(choice, .abandoned, load: nil)
            throw RookeryError(RPCError(.cancelled, "the call was given up", ran: .unknown), node: choice.node)
        }
    }
}
