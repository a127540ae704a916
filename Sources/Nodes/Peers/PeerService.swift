import Cluster
import Messages
import RPC
import Replication
import Storage

/// What this node tells other nodes of the partitions it leads. The asking node has proven the viewer (rule G1).
struct PeerService: Sendable {
    let node: NodeContext

    /// More than one answer should hold.
    static let maxItems = 4096

    // MARK: Users

    func users(_ request: PeerUsersRequest, _ context: CallContext) async throws -> PeerUsersReply {
        try await node.catchUp(context)
        let ids = try bounded(request.ids).map { Id(rawValue: $0) }
        let users = try await read(ids.map(\.partition)) { rows in
            try ids.map { id in
                let row = try rows.message(UserRow.self, .users, Rows.user(id))
                return PeerUser.with {
                    $0.id = id.rawValue
                    guard let row, row.state == .userActive else { return }
                    $0.name = row.name
                    $0.protected = row.protected
                }
            }
        }
        return .with { $0.users = users ?? [] }
    }

    func resolve(_ request: ResolveRequest, _ context: CallContext) async throws -> ResolveReply {
        let folded = Username.folded(request.name)
        let place = node.partitioning.partition(ofName: folded)
        let row = try await node.owned(place).read { rows in
            try rows.message(NameRow.self, .names, Rows.name(folded, in: place))
        }
        return .with {
            $0.userId = row?.userId ?? 0
            $0.name = row?.name ?? ""
        }
    }

    /// - Throws: UNAUTHENTICATED when the session has ended.
    func session(_ request: PeerSessionRequest, _ context: CallContext) async throws -> PeerSessionReply {
        let caller = try await node.caller(bearing: request.token)
        return .with { $0.userId = caller.id.rawValue }
    }

    // MARK: Timelines

    func pull(_ request: PullRequest, _ context: CallContext) async throws -> PullReply {
        try await node.catchUp(context)
        let authors = request.authors.map { Id(rawValue: $0) }
        let limit = min(Int(request.limit), Self.maxItems)
        guard let first = try owned(authors.map(\.partition)).first else { return PullReply() }
        return try await first.read { rows in
            var newest = NewestCauses(limit: limit + 1, request: request)
            for author in authors { try newest.take(author, from: rows) }
            let causes = newest.descending
            // The stored bytes of these tweets, which go out as they are.
            let found = try rows.multiGet(.tweets, causes.prefix(limit).map { Rows.tweet($0.id) })
            return PullReply.with {
                $0.more = causes.count > limit
                $0.horizon = newest.horizon
                $0.rows = found.compactMap { $0 }
            }
        }
    }

    // MARK: Threads

    func thread(_ request: PeerThreadRequest, _ context: CallContext) async throws -> PeerThreadReply {
        try await node.catchUp(context)
        let root = Id(rawValue: request.conversationId)
        let limit = min(Int(request.limit), Self.maxItems)
        guard request.after < .max else { return PeerThreadReply() }
        let ids = try await node.owned(root.partition).read { rows in
            let prefix = Rows.thread(root)
            let from = request.after == 0 ? prefix.bytes : prefix.appending(request.after + 1).bytes
            var ids: [UInt64] = []
            try rows.scan(.threads, from: from, to: prefix.prefixEnd, reverse: false) { key, _ in
                var reader = KeyReader(key)
                _ = try reader.uint16()
                _ = try reader.uint64()
                ids.append(try reader.uint64())
                return ids.count <= limit
            }
            return ids
        }
        return .with {
            $0.more = ids.count > limit
            $0.ids = Array(ids.prefix(limit))
        }
    }

    // MARK: Streams

    /// Takes batches for the partitions this node leads; names those it does not lead.
    func deliver(_ request: DeliverRequest) async throws -> DeliverReply {
        let byDestination = Dictionary(grouping: request.batches, by: \.destination)
        return await withTaskGroup(of: [StreamCursor].self) { group in
            for (destination, batches) in byDestination {
                guard let place = UInt16(exactly: destination), let partition = node.partition(PartitionId(place)),
                    batches.allSatisfy({ isSource($0.source) })
                else {
                    group.addTask { batches.map { .notOwner($0) } }
                    continue
                }
                // One partition's trouble is not the others': it is left out of the answer, and asked again.
                group.addTask {
                    do {
                        return try await partition.receive(batches)
                    } catch {
                        return []
                    }
                }
            }
            var reply = DeliverReply()
            for await cursors in group { reply.cursors += cursors }
            return reply
        }
    }

    private func isSource(_ raw: UInt32) -> Bool {
        UInt16(exactly: raw).map { node.partitioning.contains(PartitionId($0)) } ?? false
    }

    // MARK: What is asked for

    func bounded(_ ids: [UInt64]) throws -> [UInt64] {
        guard ids.count <= Self.maxItems else {
            throw Refusal(.invalidArgument, "at most \(Self.maxItems) ids in one call")
        }
        return ids
    }

    /// Reads rows of several partitions in one visit to the storage threads, all as of one moment: they share a store.
    /// - Returns: nil when there is no place to read at.
    func read<Value: Sendable>(
        _ places: [PartitionId], _ body: @escaping @Sendable (any Reader) throws -> Value
    ) async throws -> Value? {
        guard let first = try owned(places).first else { return nil }
        return try await first.read(body)
    }

    private func owned(_ places: [PartitionId]) throws -> [Partition] { try Set(places).sorted().map(node.owned) }
}
