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

    // MARK: Tweets

    func tweets(_ request: PeerTweetsRequest, _ context: CallContext) async throws -> PeerTweetsReply {
        try await node.catchUp(context)
        let ids = try bounded(request.ids).map { Id(rawValue: $0) }
        var reply = PeerTweetsReply()
        for (partition, ids) in try grouped(ids, by: \.partition) {
            reply.tweets += try await partition.read { rows in
                try ids.map { try Self.tweet($0, viewer: request.viewer, in: rows) }
            }
        }
        return reply
    }

    private static func tweet(_ id: Id, viewer: UInt64, in rows: any Reader) throws -> PeerTweet {
        var found = PeerTweet.with { $0.id = id.rawValue }
        guard let bytes = try rows.get(.tweets, Rows.tweet(id)) else { return found }
        let row = try TweetRow.decode(bytes)
        found.row = bytes
        if row.deleted { return found }
        let audience = Audience(viewer: viewer, rows: rows)
        found.authorProtected = try audience.isProtected(Id(rawValue: row.authorId))
        found.hidden = try !audience.mayRead(row)
        found.regions = try SumReading.worldShares(of: id, in: rows)
        return found
    }

    // MARK: Users

    func users(_ request: PeerUsersRequest, _ context: CallContext) async throws -> PeerUsersReply {
        try await node.catchUp(context)
        let ids = try bounded(request.ids).map { Id(rawValue: $0) }
        var reply = PeerUsersReply()
        for (partition, ids) in try grouped(ids, by: \.partition) {
            reply.users += try await partition.read { rows in
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
        }
        return reply
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
        var newest = NewestCauses(limit: limit + 1, request: request)
        for (partition, authors) in try grouped(authors, by: \.partition) {
            let sofar = newest
            newest = try await partition.read { rows in
                var newest = sofar
                for author in authors { try newest.take(author, from: rows) }
                return newest
            }
        }
        let causes = newest.descending
        var reply = PullReply.with {
            $0.more = causes.count > limit
            $0.horizon = newest.horizon
        }
        let rows = try await rowBytes(causes.prefix(limit).map(\.id))
        reply.rows = rows
        return reply
    }

    /// The stored bytes of these tweets, which go out as they are.
    private func rowBytes(_ ids: [Id]) async throws -> [[UInt8]] {
        var bytes: [Id: [UInt8]] = [:]
        for (partition, ids) in try grouped(ids, by: \.partition) {
            let found = try await partition.read { try $0.multiGet(.tweets, ids.map { Rows.tweet($0) }) }
            for (id, row) in zip(ids, found) { bytes[id] = row }
        }
        return ids.compactMap { bytes[$0] }
    }

    // MARK: Sums and threads

    func sums(_ request: PeerSumsRequest, _ context: CallContext) async throws -> PeerSumsReply {
        let source = PartitionId(UInt16(truncatingIfNeeded: request.source))
        let region = node.region(of: source)
        let ids = try bounded(request.ids).map { Id(rawValue: $0) }
        var reply = PeerSumsReply()
        let homes = try grouped(ids) { node.partitioning.regionHome(of: $0, region: region) }
        for (home, ids) in homes {
            let place = home.id
            reply.sums += try await home.read { rows in
                try ids.map { id in
                    let share = try rows.message(SumRow.self, .sums, Rows.share(of: source, in: id, at: place))
                    let total = try SumReading.sums(under: Rows.regionSum(of: id, in: place), in: rows)
                    return PeerSum.with {
                        $0.id = id.rawValue
                        $0.region = total
                        $0.share = share?.sums ?? Sums()
                    }
                }
            }
        }
        return reply
    }

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

    // MARK: Grouping

    private func bounded(_ ids: [UInt64]) throws -> [UInt64] {
        guard ids.count <= Self.maxItems else {
            throw Refusal(.invalidArgument, "at most \(Self.maxItems) ids in one call")
        }
        return ids
    }

    private func grouped(_ ids: [Id], by place: (Id) -> PartitionId) throws -> [(Partition, [Id])] {
        try Dictionary(grouping: ids, by: place).sorted { $0.key < $1.key }.map { (try node.owned($0.key), $0.value) }
    }
}
