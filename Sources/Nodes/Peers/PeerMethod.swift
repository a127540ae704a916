import Cluster
import Messages
import RPC

/// Something nodes ask each other: by call when the other one is elsewhere, directly when it is this one.
struct PeerMethod<Request: WireMessage, Reply: WireMessage>: Sendable {
    let name: String
    let serve: @Sendable (PeerService, Request, CallContext) async throws -> Reply
}

extension PeerMethod where Request == PeerGatherRequest, Reply == PeerGatherReply {
    static var gather: Self { .init(name: "rookery.Peer/Gather") { try await $0.gather($1, $2) } }
}

extension PeerMethod where Request == PeerUsersRequest, Reply == PeerUsersReply {
    static var users: Self { .init(name: "rookery.Peer/Users") { try await $0.users($1, $2) } }
}

extension PeerMethod where Request == PullRequest, Reply == PullReply {
    static var pull: Self { .init(name: "rookery.Peer/Pull") { try await $0.pull($1, $2) } }
}

extension PeerMethod where Request == PeerThreadRequest, Reply == PeerThreadReply {
    static var thread: Self { .init(name: "rookery.Peer/Thread") { try await $0.thread($1, $2) } }
}

extension PeerMethod where Request == ResolveRequest, Reply == ResolveReply {
    static var resolve: Self { .init(name: "rookery.Peer/Resolve") { try await $0.resolve($1, $2) } }
}

extension PeerMethod where Request == PeerSessionRequest, Reply == PeerSessionReply {
    static var session: Self { .init(name: "rookery.Peer/Session") { try await $0.session($1, $2) } }
}

extension NodeContext {
    /// Asks the node that owns a partition.
    func ask<Request, Reply>(
        ownerOf partition: PartitionId, _ method: PeerMethod<Request, Reply>, _ request: Request,
        _ context: CallContext
    ) async throws -> Reply {
        guard let owner = owner(of: partition) else {
            throw RPCError(.unavailable, "nobody serves partition \(partition)", ran: .no, retryable: true)
        }
        return try await ask(owner, method, request, context)
    }

    /// - Parameter patience: a shorter time than the call has.
    func ask<Request, Reply>(
        _ node: NodeId, _ method: PeerMethod<Request, Reply>, _ request: Request, _ context: CallContext,
        patience: Duration? = nil
    ) async throws -> Reply {
        if node == id { return try await method.serve(PeerService(node: self), request, context) }
        let bytes = try await forward(
            method.name, request.encode(), to: node, viewer: nil, context, patience: patience)
        return try Reply.decode(bytes)
    }

    /// Passes bytes to another node and its answer back, naming the node when it cannot be reached.
    func forward(
        _ method: String, _ message: [UInt8], to node: NodeId, viewer: Id?, _ context: CallContext,
        patience: Duration? = nil
    ) async throws -> [UInt8] {
        guard let channel = channel(to: node) else {
            throw RPCError(.unavailable, "this node has no way to \(node)", ran: .no, retryable: true)
        }
        var options = context.options(viewer: viewer, now: .now())
        if let patience { options.timeout = min(options.timeout ?? patience, patience) }
        do {
            return try await channel.unary(method, message, options: options).message
        } catch var error as RPCError where error.code == .unavailable {
            let address = map.nodes[node]?.address.description ?? "?"
            error.message = "\(node) (\(address)) does not answer: \(error.message)"
            error.details = []
            throw error
        }
    }

    /// Asks every owner among `partitions` at once; each gets the items that lie with it.
    func scatter<Item: Sendable, Request, Reply>(
        _ items: [Item], at partition: (Item) -> PartitionId, _ method: PeerMethod<Request, Reply>,
        _ context: CallContext, request: @escaping @Sendable ([Item]) -> Request
    ) async throws -> [Reply] {
        var byNode: [NodeId: [Item]] = [:]
        for item in items {
            guard let owner = owner(of: partition(item)) else { continue }
            byNode[owner, default: []].append(item)
        }
        if byNode.count == 1, let (node, items) = byNode.first {
            return [try await ask(node, method, request(items), context)]
        }
        return try await withThrowingTaskGroup(of: (NodeId, Reply).self) { group in
            for (node, items) in byNode {
                group.addTask { (node, try await self.ask(node, method, request(items), context)) }
            }
            var replies: [(NodeId, Reply)] = []
            for try await reply in group { replies.append(reply) }
            return replies.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
