import Cluster
import Messages
import RPC
import Replication

extension NodeContext {
    /// Serves a read where an account lives: here, or at its owner in the caller's name. A caller without a session is
    /// sent there instead.
    func atHome<Request: WireMessage, Reply: WireMessage>(
        of user: Id, _ method: String, _ request: Request, _ context: CallContext,
        serve: (Partition, _ viewer: Id?) async throws -> Reply
    ) async throws -> Reply {
        if let partition = partition(user.partition) {
            let viewer = try await viewer(context).id
            return try await serve(partition, viewer)
        }
        guard context.call.peer.role == .client, !context.call.session.isEmpty else {
            throw wrongOwner(of: user.partition)
        }
        let caller = try await caller(context)
        guard let owner = owner(of: user.partition) else { throw Refusal.noSuchUser(user.rawValue) }
        let bytes = try await forward(method, request.encode(), to: owner, viewer: caller.id, context)
        return try Reply.decode(bytes)
    }
}
