import Cluster
import Messages
import Replication
import Storage

/// The words by which people are found: the folded username, and each word of the display name. Rows of the user's own
/// partition, written in the entry that makes or changes the user.
enum Directory {
    /// Longer words are found by their beginning.
    static let maxWordBytes = 64

    /// Ascending.
    static func words(of user: UserRow) -> [String] {
        let words = [Username.folded(user.name)] + SearchTokens(user.displayName).words
        return Set(words.map(shortened)).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// Makes the rows agree with what the user is now.
    /// - Parameter before: nil for a user that becomes active.
    static func update(_ user: UserRow, before: UserRow?, in evaluation: Evaluation) {
        let old = Set(before.map(words) ?? [])
        let new = Set(words(of: user))
        for word in old.subtracting(new).sorted() {
            evaluation.rows.delete(.directory, Rows.directory(word, user.id, in: evaluation.partition))
        }
        for word in new.subtracting(old).sorted() {
            evaluation.rows.put(.directory, Rows.directory(word, user.id, in: evaluation.partition), [])
        }
    }

    static func shortened(_ word: String) -> String {
        guard word.utf8.count > maxWordBytes else { return word }
        var end = word.startIndex
        while let next = word.index(end, offsetBy: 1, limitedBy: word.endIndex),
            word[..<next].utf8.count <= maxWordBytes
        {
            end = next
        }
        return String(word[..<end])
    }
}

/// People by the beginning of their name or of a word of their display name: F10.
struct UserSearchService: Sendable {
    let node: NodeContext
    /// See `LookBudgets.people`.
    let budget: Int

    static let maxPage = 100
    /// Longer than any name, and soon folded.
    static let maxPrefixBytes = 256

    /// What one partition found: hits up to where it stopped.
    private struct Found: Sendable {
        var hits: [UserHit] = []
        /// It stopped at its last row, and there may be more.
        var stoppedAt: (word: String, user: UInt64)?
    }

    func search(_ request: UserSearchRequest, _ context: CallContext) async throws -> UserSearchReply {
        try await node.catchUp(context)
        _ = try await node.provenViewer(context)
        let beginnings = try NameBeginnings(request.prefix)
        let limit = min(max(1, Int(request.limit)), Self.maxPage)
        let budget = budget
        var (found, cover): ([Found], [CoveredPartition]) = ([], [])
        for partition in try node.owned(request.partitions) {
            found.append(
                try await partition.read { rows in
                    try Self.hits(beginnings, after: request, limit: limit + 1, budget: budget, partition.id, in: rows)
                })
            cover.append(partition.covered)
        }
        return Self.merge(found, limit: limit, cover: cover)
    }

    private static func merge(_ found: [Found], limit: Int, cover: [CoveredPartition]) -> UserSearchReply {
        var hits = found.flatMap(\.hits).sorted { ($0.word, $0.userId) < ($1.word, $1.userId) }
        let stop = found.compactMap(\.stoppedAt).min { $0 < $1 }
        // Beyond the first place where one stopped, others' hits would leave a gap.
        if let stop { hits.removeAll { ($0.word, $0.userId) > stop } }
        return .with {
            $0.hits = Array(hits.prefix(limit))
            $0.more = hits.count > limit || stop != nil
            $0.cover = cover
            // A page that is full ends at its last hit.
            guard hits.count <= limit, let stop else { return }
            $0.stoppedAtWord = stop.word
            $0.stoppedAtUser = stop.user
        }
    }

    private static func hits(
        _ beginnings: NameBeginnings, after request: UserSearchRequest, limit: Int, budget: Int,
        _ partition: PartitionId,
        in rows: any Reader
    ) throws -> Found {
        var found = Found()
        var examined = 0
        let range = Rows.directory(wordsFrom: beginnings.longest, in: partition)
        let isFirst = request.afterWord.isEmpty
        let from = isFirst ? range.bytes : Rows.directory(request.afterWord, request.afterUser, in: partition) + [0]
        try rows.scan(.directory, from: max(from, range.bytes), to: range.prefixEnd, reverse: false) { key, _ in
            let (word, id) = try parse(key)
            examined += 1
            if let hit = try hit(word, id, beginnings, in: rows) { found.hits.append(hit) }
            if examined == budget { found.stoppedAt = (word, id) }
            return found.hits.count < limit && examined < budget
        }
        return found
    }

    /// A user is found once.
    private static func hit(
        _ word: String, _ id: UInt64, _ beginnings: NameBeginnings, in rows: any Reader
    ) throws -> UserHit? {
        guard let user = try rows.message(UserRow.self, .users, Rows.user(Id(rawValue: id))),
            user.state == .userActive, beginnings.word(in: Directory.words(of: user)) == word
        else { return nil }
        return .with {
            $0.word = word
            $0.userId = id
            $0.name = user.name
            $0.displayName = user.displayName
        }
    }

    private static func parse(_ key: UnsafeRawBufferPointer) throws -> (word: String, user: UInt64) {
        guard key.count > 11 else { throw StorageError.corrupt("a directory row's key of \(key.count) bytes") }
        let word = UnsafeRawBufferPointer(rebasing: key[2..<key.count - 9])
        var reader = KeyReader(UnsafeRawBufferPointer(rebasing: key.suffix(8)))
        return (String(decoding: word, as: UTF8.self), try reader.uint64())
    }
}

/// What was typed to find somebody: with each of its words one of theirs begins.
private struct NameBeginnings {
    /// The fewest words begin with it: it is looked for, the others only where it was found.
    let longest: String
    private let all: [String]

    init(_ typed: String) throws {
        guard typed.utf8.count <= UserSearchService.maxPrefixBytes else {
            throw Refusal(
                .invalidArgument, "the beginning of a name has at most \(UserSearchService.maxPrefixBytes) bytes")
        }
        all = SearchTokens(typed).words.map(Directory.shortened)
        guard let longest = all.max(by: { $0.utf8.count < $1.utf8.count }) else {
            throw Refusal(.invalidArgument, "name the beginning of a name")
        }
        self.longest = longest
    }

    /// The first word that begins as the longest does; nil unless there is one for each.
    func word(in words: [String]) -> String? {
        let isMeant = all.allSatisfy { beginning in words.contains { Self.begins($0, beginning) } }
        return isMeant ? words.first { Self.begins($0, longest) } : nil
    }

    private static func begins(_ word: String, _ beginning: String) -> Bool { word.utf8.starts(with: beginning.utf8) }
}

private func max(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { a.lexicographicallyPrecedes(b) ? b : a }
