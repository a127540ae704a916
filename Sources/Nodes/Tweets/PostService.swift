import Cluster
import Messages
import RPC
import Replication
import Storage
import TweetText

/// Posts, replies, quotes, retweets and their ends: F2, F3, F5, F6. Everything a person writes lies in their own
/// partition; what it means to others travels on the stream.
struct PostService: Sendable {
    let node: NodeContext

    static let maxPlace = 100
    /// Long before a text is weighed: nothing this long can be a tweet.
    static let maxTextBytes = 8 * 1024

    // MARK: Post

    func post(_ request: PostRequest, _ context: CallContext) async throws -> TweetReply {
        let caller = try await node.caller(context)
        if let outcome = try await caller.partition.remembered(try context.requestId(of: caller.id)) {
            context.note(outcome, in: caller.partition.id)
            return Self.posted(outcome.answer)
        }
        try validate(request)
        try await node.catchUp(context)
        let parent = try await parent(request.inReplyTo, caller, context)
        let quoted = request.quoteOf == 0 ? nil : try await shareable(request.quoteOf, caller, context)
        var row = TweetRow.with {
            $0.authorId = caller.id.rawValue
            $0.author = caller.name
            $0.text = request.text
            $0.access = request.access
            $0.place = request.place
            $0.inReplyTo = request.inReplyTo
            $0.inReplyToAuthor = parent?.author ?? ""
            // A quoted retweet stands for its original.
            $0.quoteOf = quoted?.id ?? 0
            $0.quotedAuthor = quoted?.author ?? ""
            $0.lang = request.lang.lowercased()
        }
        TweetEntities.describe(&row)
        // What only followers may read is not counted where everybody looks.
        row.isCounted = request.access == .accessPublic && !caller.user.protected
        row.conversationId = parent.map { $0.conversationId } ?? 0
        let outcome = try await caller.partition.execute(
            command(posting: row, by: caller, requestId: try context.requestId(of: caller.id), parent: parent))
        context.note(outcome, in: caller.partition.id)
        return Self.posted(outcome.answer)
    }

    private static func posted(_ row: [UInt8]) -> TweetReply {
        .with {
            $0.tweet = .with {
                $0.row = row
                $0.counts = TweetCounts()
            }
        }
    }

    private func validate(_ request: PostRequest) throws {
        guard request.media.isEmpty else {
            throw Refusal(.notFound, "there is no media \(request.media[0])")
        }
        guard request.type == .tweetText else {
            throw Refusal(.invalidArgument, "a tweet without media is of type text")
        }
        let isBlank = request.text.allSatisfy(\.isWhitespace)
        guard !isBlank else { throw Refusal(.invalidArgument, "a tweet needs a text") }
        guard request.text.utf8.count <= Self.maxTextBytes else {
            throw Refusal(
                .invalidArgument, "the text is too long: \(request.text.utf8.count) bytes are more than any tweet has",
                reason: .refusalTextTooLong)
        }
        let (text, limit) = (WeighedText(request.text), WeighingRules.v3.maxWeightedLength)
        guard text.weightedLength <= limit else {
            throw Refusal(
                .invalidArgument, "the text is too long: it weighs \(text.weightedLength), and \(limit) is the limit",
                reason: .refusalTextTooLong)
        }
        guard text.isValid else {
            throw Refusal(
                .invalidArgument, "the text holds a character that no tweet may have (U+FFFE, U+FEFF or U+FFFF)")
        }
        guard request.lang.isEmpty || Self.isLanguage(request.lang) else {
            throw Refusal(.invalidArgument, "a language is named like en or pt-br, not '\(request.lang)'")
        }
        guard request.place.count <= Self.maxPlace, request.place.utf8.count <= 1024 else {
            throw Refusal(.invalidArgument, "a place has at most \(Self.maxPlace) characters")
        }
    }

    /// BCP 47's shape (RFC 5646 2.1), not its registry.
    private static func isLanguage(_ tag: String) -> Bool {
        let parts = tag.lowercased().split(separator: "-", omittingEmptySubsequences: false)
        return tag.utf8.count <= 35 && (2...3).contains(parts[0].utf8.count)
            && parts.allSatisfy { part in
                (1...8).contains(part.utf8.count)
                    && part.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
            }
    }

    private func parent(_ raw: UInt64, _ caller: Caller, _ context: CallContext) async throws -> TweetRow? {
        guard raw != 0 else { return nil }
        let (row, _) = try await readable(raw, caller, context)
        // A reply to a retweet is a reply to what was retweeted; say so rather than guess.
        guard row.retweetOf == 0 else {
            throw Refusal(.invalidArgument, "\(raw) is a retweet: reply to tweet \(row.retweetOf)")
        }
        return row
    }

    private func command(
        posting row: TweetRow, by caller: Caller, requestId: RequestId, parent: TweetRow?
    ) -> Command {
        let named = max(row.inReplyTo, row.quoteOf)
        let partitioning = node.partitioning
        return Command(requestId: requestId, latches: [], newIds: 1, above: named) { evaluation in
            let id = evaluation.ids[0]
            var row = row
            row.id = id.rawValue
            if row.isCounted {
                TagEvents.tell(row, region: caller.user.region, deleted: false, partitioning, in: evaluation)
            }
            if row.conversationId == 0 { row.conversationId = row.id }
            let bytes = row.encode()
            try Self.write(row, bytes, flags: parent == nil ? [] : .reply, by: caller, in: evaluation)
            if let parent {
                try CountEvents.count(.replies, of: Id(rawValue: parent.id), by: 1, atMs: id.unixMs, in: evaluation)
                evaluation.tell(
                    Id(rawValue: row.conversationId).partition, .eventReplyAdded,
                    ReplyAdded.with {
                        $0.conversationId = row.conversationId
                        $0.replyId = row.id
                        $0.parentId = parent.id
                        $0.authorId = caller.id.rawValue
                    })
            }
            return bytes
        }
    }

    /// The tweet, its place in the author's list and the author's count: with the log entry and the remembered request
    /// five keys.
    private static func write(
        _ row: TweetRow, _ bytes: [UInt8], flags: AuthorFlags, by caller: Caller, in evaluation: Evaluation
    ) throws {
        let id = Id(rawValue: row.id)
        evaluation.rows.put(.tweets, Rows.tweet(id), bytes)
        evaluation.rows.put(.authors, Rows.authored(id, by: caller.id), [flags.rawValue])
        try CountEvents.count(.tweets, of: caller.id, region: caller.user.region, by: 1, in: evaluation)
    }

    // MARK: Delete

    func delete(_ request: TweetRequest, _ context: CallContext) async throws -> Empty {
        let caller = try await node.caller(context)
        let id = try node.tweetId(request.id)
        // A repeated delete finds its remembered answer, wherever the tweet lies: the author's tweets lie with the author.
        guard id.partition == caller.id.partition else {
            let found = try await tweet(id, caller, context)
            if found.row.deleted { throw Refusal.deletedTweet(id.rawValue) }
            throw Refusal(
                .permissionDenied, "tweet \(id) is @\(found.row.author)'s: only its author can delete it")
        }
        let partitioning = node.partitioning
        let command = Command(
            requestId: try context.requestId(of: caller.id), latches: try await eraseLatches(id, caller)
        ) { evaluation in
            guard let row = try evaluation.rows.message(TweetRow.self, .tweets, Rows.tweet(id)) else {
                throw Refusal.noSuchTweet(id.rawValue)
            }
            guard !row.deleted else { throw Refusal.deletedTweet(id.rawValue) }
            guard row.authorId == caller.id.rawValue else {
                throw Refusal(.permissionDenied, "tweet \(id) is @\(row.author)'s: only its author can delete it")
            }
            try Self.erase(row, by: caller, partitioning, in: evaluation)
            return Empty().encode()
        }
        let outcome = try await caller.partition.execute(command)
        context.note(outcome, in: caller.partition.id)
        return Empty()
    }

    /// Deleting a retweet and undoing it are the same to its rows. What a tweet retweets never changes, so it may be
    /// read before the latches are held.
    private func eraseLatches(_ id: Id, _ caller: Caller) async throws -> [Latch] {
        let row = try await caller.partition.read { try $0.message(TweetRow.self, .tweets, Rows.tweet(id)) }
        guard let row, row.retweetOf != 0 else { return [Latches.tweet(id, exclusive: true)] }
        return [Latches.tweet(id, exclusive: true)]
            + [Latches.retweet(Id(rawValue: row.authorId), Id(rawValue: row.retweetOf))]
    }

    /// Leaves a tombstone: the id never means anything else again (rule E6), and threads keep their shape.
    private static func erase(
        _ row: TweetRow, by caller: Caller, _ partitioning: Partitioning, in evaluation: Evaluation
    ) throws {
        let id = Id(rawValue: row.id)
        let tombstone = TweetRow.with {
            $0.id = row.id
            $0.authorId = row.authorId
            $0.inReplyTo = row.inReplyTo
            $0.conversationId = row.conversationId
            $0.retweetOf = row.retweetOf
            $0.deleted = true
        }
        evaluation.rows.put(.tweets, Rows.tweet(id), tombstone)
        evaluation.note(.eventWorldCounted, Counted.with { $0.tweetId = row.id })  // no ranking shows it any more
        if row.isCounted {
            TagEvents.tell(row, region: caller.user.region, deleted: true, partitioning, in: evaluation)
            evaluation.note(
                .eventTweetErased,
                TweetRow.with { ($0.id, $0.text, $0.entities) = (row.id, row.text, row.entities) })
        }
        evaluation.rows.delete(.authors, Rows.authored(id, by: caller.id))
        try CountEvents.count(.tweets, of: caller.id, region: caller.user.region, by: -1, in: evaluation)
        if row.inReplyTo != 0 {
            try CountEvents.count(
                .replies, of: Id(rawValue: row.inReplyTo), by: -1, atMs: id.unixMs, in: evaluation)
        }
        if row.retweetOf != 0 {
            let original = Id(rawValue: row.retweetOf)
            evaluation.rows.delete(.reactions, Rows.retweet(by: caller.id, of: original))
            try CountEvents.count(.retweets, of: original, by: -1, atMs: id.unixMs, in: evaluation)
        }
    }

    // MARK: Retweet

    func retweet(_ request: RetweetRequest, _ context: CallContext) async throws -> TweetReply {
        let caller = try await node.caller(context)
        try await node.catchUp(context)
        if request.undo { return try await undoRetweet(request.id, caller, context) }
        if let outcome = try await caller.partition.remembered(try context.requestId(of: caller.id)) {
            context.note(outcome, in: caller.partition.id)
            return await retweeted(outcome.answer, caller, context)
        }
        let original = try await shareable(request.id, caller, context)
        let originalId = Id(rawValue: original.id)
        let row = TweetRow.with {
            $0.authorId = caller.id.rawValue
            $0.author = caller.name
            $0.retweetOf = original.id
        }
        let edge = Rows.retweet(by: caller.id, of: originalId)
        let command = Command(
            requestId: try context.requestId(of: caller.id), latches: [Latches.retweet(caller.id, originalId)],
            newIds: 1,
            above: original.id
        ) { evaluation in
            if let earlier = try evaluation.rows.get(.reactions, edge) {
                return try Self.storedRetweet(earlier, in: evaluation.rows)
            }
            let id = evaluation.ids[0]
            var row = row
            row.id = id.rawValue
            row.conversationId = row.id
            let bytes = row.encode()
            try Self.write(row, bytes, flags: .retweet, by: caller, in: evaluation)
            evaluation.rows.put(.reactions, edge, withUnsafeBytes(of: row.id.bigEndian) { Array($0) })
            try CountEvents.count(.retweets, of: originalId, by: 1, atMs: id.unixMs, in: evaluation)
            return bytes
        }
        let outcome = try await caller.partition.execute(command)
        context.note(outcome, in: caller.partition.id)
        return await retweeted(outcome.answer, caller, context)
    }

    /// It has happened: when the original cannot be shown beside it any more, the bare retweet is the answer.
    private func retweeted(_ bytes: [UInt8], _ caller: Caller, _ context: CallContext) async -> TweetReply {
        let hydration = Hydration(node: node, context: context, viewer: caller.id)
        let shown = try? await hydration.hydrate([TweetRow.decode(bytes)], forReader: false)
        return .with { $0.tweet = shown?.first ?? .with { $0.row = bytes } }
    }

    private static func storedRetweet(_ edge: [UInt8], in rows: Transaction) throws -> [UInt8] {
        let id = Id(rawValue: edge.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        guard let bytes = try rows.get(.tweets, Rows.tweet(id)) else { throw Refusal.noSuchTweet(id.rawValue) }
        return bytes
    }

    /// Takes back one's retweet, named by the original or by the retweet itself.
    private func undoRetweet(_ raw: UInt64, _ caller: Caller, _ context: CallContext) async throws -> TweetReply {
        if let outcome = try await caller.partition.remembered(try context.requestId(of: caller.id)) {
            context.note(outcome, in: caller.partition.id)
            return TweetReply()
        }
        let original = try await retweetedOriginal(try node.tweetId(raw), caller, context)
        let edge = Rows.retweet(by: caller.id, of: original)
        let partitioning = node.partitioning
        let command = Command(
            requestId: try context.requestId(of: caller.id), latches: [Latches.retweet(caller.id, original)]
        ) { evaluation in
            guard let bytes = try evaluation.rows.get(.reactions, edge) else { return TweetReply().encode() }
            let row = try TweetRow.decode(try Self.storedRetweet(bytes, in: evaluation.rows))
            if !row.deleted { try Self.erase(row, by: caller, partitioning, in: evaluation) }
            return TweetReply().encode()
        }
        let outcome = try await caller.partition.execute(command)
        context.note(outcome, in: caller.partition.id)
        return TweetReply()
    }

    /// What one's own rows know needs nobody else; the original's node may be down.
    private func retweetedOriginal(_ named: Id, _ caller: Caller, _ context: CallContext) async throws -> Id {
        let mine = try await caller.partition.read { rows in
            (
                try rows.get(.reactions, Rows.retweet(by: caller.id, of: named)) != nil,
                named.partition == caller.id.partition
                    ? try rows.message(TweetRow.self, .tweets, Rows.tweet(named)) : nil
            )
        }
        if mine.0 { return named }
        if let row = mine.1 { return row.retweetOf == 0 ? named : Id(rawValue: row.retweetOf) }
        let found = try await tweet(named, caller, context)
        return found.row.retweetOf == 0 ? named : Id(rawValue: found.row.retweetOf)
    }

    // MARK: What a command names, read before it is proposed (rule D2)

    private func tweet(
        _ id: Id, _ caller: Caller, _ context: CallContext
    ) async throws -> (row: TweetRow, found: PeerTweet) {
        let reply = try await node.ask(
            ownerOf: id.partition, .gather,
            .with {
                $0.viewer = caller.id.rawValue
                $0.tweets = [id.rawValue]
            }, context)
        guard let found = reply.tweets.first, !found.row.isEmpty else { throw Refusal.noSuchTweet(id.rawValue) }
        return (try TweetRow.decode(found.row), found)
    }

    private func readable(
        _ raw: UInt64, _ caller: Caller, _ context: CallContext
    ) async throws -> (row: TweetRow, found: PeerTweet) {
        let (row, found) = try await tweet(try node.tweetId(raw), caller, context)
        if row.deleted { throw Refusal.deletedTweet(raw) }
        if found.hidden { throw Refusal.protectedTweet(of: row.author) }
        return (row, found)
    }

    /// Public tweets only; a retweet stands for its original.
    private func shareable(_ raw: UInt64, _ caller: Caller, _ context: CallContext) async throws -> TweetRow {
        let (row, found) = try await readable(raw, caller, context)
        if row.retweetOf != 0 { return try await shareable(row.retweetOf, caller, context) }
        guard row.access == .accessPublic, !found.authorProtected else {
            throw Refusal(.permissionDenied, "tweet \(raw) is protected: only public tweets can be shared")
        }
        return row
    }
}
