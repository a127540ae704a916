import Cluster
import Messages
import RPC
import Replication
import Storage

/// Who follows whom: F7, and follow requests for protected accounts. The edge is made at the follower; the followed
/// account's side hears of it on the stream and answers with events that name the edge's version (rule D2).
struct GraphService: Sendable {
    let node: NodeContext

    static let defaultPage = 100
    static let maxPage = 1000

    func follow(_ request: FollowRequest, _ context: CallContext) async throws -> FollowReply {
        let caller = try await node.caller(context)
        let followed = try node.userId(request.userId)
        guard followed != caller.id else { throw Refusal(.invalidArgument, "you cannot follow yourself") }
        if request.undo { return try await unfollow(followed, caller, context) }
        if let outcome = try await caller.partition.remembered(try context.requestId(of: caller.id)) {
            context.note(outcome, in: caller.partition.id)
            return try FollowReply.decode(outcome.answer)
        }
        let target = try await account(followed, context)
        let key = Rows.following(of: caller.id).appending(followed.rawValue).bytes
        let latches = [Latches.edge(caller.id, followed)]
        let command = Command(requestId: try context.requestId(of: caller.id), latches: latches, newIds: 1) {
            evaluation in
            if let edge = try evaluation.rows.message(EdgeRow.self, .edges, key) {
                return FollowReply.with { $0.state = edge.state }.encode()
            }
            let edge = EdgeRow.with {
                $0.state = target.protected ? .edgeRequested : .edgeAccepted
                $0.version = evaluation.ids[0].rawValue
                $0.name = target.name
            }
            evaluation.rows.put(.edges, key, edge)
            if edge.state == .edgeAccepted {
                try CountEvents.count(.following, of: caller.id, region: caller.user.region, by: 1, in: evaluation)
            }
            evaluation.tell(
                followed.partition, .eventEdgeAdded,
                EdgeAdded.with {
                    $0.follower = caller.id.rawValue
                    $0.followed = followed.rawValue
                    $0.version = edge.version
                    $0.state = edge.state
                    $0.followerName = caller.name
                })
            return FollowReply.with { $0.state = edge.state }.encode()
        }
        return try await run(command, caller, context)
    }

    private func unfollow(_ followed: Id, _ caller: Caller, _ context: CallContext) async throws -> FollowReply {
        let key = Rows.following(of: caller.id).appending(followed.rawValue).bytes
        let latches = [Latches.edge(caller.id, followed)]
        let command = Command(requestId: try context.requestId(of: caller.id), latches: latches) { evaluation in
            guard let edge = try evaluation.rows.message(EdgeRow.self, .edges, key) else {
                return FollowReply().encode()
            }
            evaluation.rows.delete(.edges, key)
            if edge.state == .edgeAccepted {
                try CountEvents.count(.following, of: caller.id, region: caller.user.region, by: -1, in: evaluation)
            }
            evaluation.tell(
                followed.partition, .eventEdgeRemoved,
                EdgeRemoved.with {
                    $0.follower = caller.id.rawValue
                    $0.followed = followed.rawValue
                    $0.version = edge.version
                })
            return FollowReply().encode()
        }
        return try await run(command, caller, context)
    }

    private func run<Reply: WireMessage>(
        _ command: Command, _ caller: Caller, _ context: CallContext
    ) async throws -> Reply {
        let outcome = try await caller.partition.execute(command)
        context.note(outcome, in: caller.partition.id)
        return try Reply.decode(outcome.answer)
    }

    private func account(_ id: Id, _ context: CallContext) async throws -> PeerUser {
        let reply = try await node.ask(
            ownerOf: id.partition, .users, .with { $0.ids = [id.rawValue] }, context)
        guard let user = reply.users.first, !user.name.isEmpty else { throw Refusal.noSuchUser(id.rawValue) }
        return user
    }

    /// Accepts or rejects who asked to follow a protected account.
    func answerRequest(_ request: AnswerFollowRequest, _ context: CallContext) async throws -> Empty {
        try await node.catchUp(context)
        let caller = try await node.caller(context)
        let follower = try node.userId(request.userId)
        let asked = Rows.followRequests(to: caller.id).appending(follower.rawValue).bytes
        let events = GraphEvents(partitioning: node.partitioning)
        let latches = [Latches.edge(follower, caller.id)]
        let command = Command(requestId: try context.requestId(of: caller.id), latches: latches) { evaluation in
            guard var edge = try evaluation.rows.message(EdgeRow.self, .edges, asked) else {
                throw Refusal(.notFound, "this account has not asked to follow you")
            }
            evaluation.rows.delete(.edges, asked)
            if request.accept {
                edge.state = .edgeAccepted
                edge.atMs = evaluation.nowMs
                evaluation.rows.put(
                    .edges, Rows.followers(of: caller.id).appending(follower.rawValue).bytes, edge)
                try events.countFollower(follower, of: caller.id, by: 1, atMs: edge.atMs, in: evaluation)
            }
            GraphEvents.answer(
                follower: follower.rawValue, followed: caller.id.rawValue, version: edge.version,
                state: request.accept ? .edgeAccepted : .edgeNone, in: evaluation)
            return Empty().encode()
        }
        return try await run(command, caller, context)
    }

    // MARK: Lists

    func followers(_ request: AccountListRequest, _ context: CallContext) async throws -> AccountListReply {
        try await node.catchUp(context)
        let user = try node.userId(request.userId)
        return try await node.atHome(of: user, "rookery.Graph/Followers", request, context) { partition, viewer in
            try await list(.followers, of: user, Rows.followers(of: user), request, viewer, in: partition)
        }
    }

    func following(_ request: AccountListRequest, _ context: CallContext) async throws -> AccountListReply {
        try await node.catchUp(context)
        let user = try node.userId(request.userId)
        return try await node.atHome(of: user, "rookery.Graph/Following", request, context) { partition, viewer in
            try await list(.following, of: user, Rows.following(of: user), request, viewer, in: partition)
        }
    }

    func requests(_ request: AccountListRequest, _ context: CallContext) async throws -> AccountListReply {
        try await node.catchUp(context)
        let caller = try await node.caller(context)
        return try await list(
            .requests, of: caller.id, Rows.followRequests(to: caller.id), request, caller.id, in: caller.partition)
    }

    /// - Throws: PERMISSION_DENIED when the account is protected and the viewer does not follow it.
    private func list(
        _ list: PageToken.List, of user: Id, _ prefix: Key, _ request: AccountListRequest, _ viewer: Id?,
        in partition: Partition
    ) async throws -> AccountListReply {
        let after = try PageToken.last(in: request.nextToken, list: list, subject: user.rawValue)
        let limit = request.maxResults == 0 ? Self.defaultPage : min(Int(request.maxResults), Self.maxPage)
        let accounts = try await partition.read { rows in
            guard let row = try rows.message(UserRow.self, .users, Rows.user(user)), row.state == .userActive else {
                throw Refusal.noSuchUser(user.rawValue)
            }
            let audience = Audience(viewer: viewer?.rawValue ?? 0, rows: rows)
            guard try !row.protected || audience.isOfTheirs(user) else {
                throw Refusal(.permissionDenied, "@\(row.name) is protected: only their followers see this list")
            }
            return try Self.accounts(under: prefix, after: after, limit: limit + 1, in: rows)
        }
        return .with {
            $0.accounts = Array(accounts.prefix(limit))
            guard accounts.count > limit, let last = $0.accounts.last else { return }
            $0.nextToken = PageToken(list: list, subject: user.rawValue, last: last.id).encode()
        }
    }

    private static func accounts(
        under prefix: Key, after: UInt64?, limit: Int, in rows: any Reader
    ) throws -> [Account] {
        // A page token's id has 63 bits.
        let from = after.map { prefix.appending($0 + 1).bytes } ?? prefix.bytes
        var accounts: [Account] = []
        try rows.scan(.edges, from: from, to: prefix.prefixEnd, reverse: false) { key, value in
            let edge = try EdgeRow.decode(value)
            let isShown = edge.state == .edgeAccepted || prefix.bytes[2] == UInt8(ascii: "q")
            guard isShown else { return true }
            let id = UnsafeRawBufferPointer(rebasing: key.suffix(8)).loadUnaligned(as: UInt64.self).bigEndian
            accounts.append(
                .with {
                    $0.id = id
                    $0.name = edge.name
                })
            return accounts.count < limit
        }
        return accounts
    }
}
