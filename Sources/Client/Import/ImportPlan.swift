import Cluster

/// What an import will do, worked out from its files before anything is written. Pure.
public struct ImportPlan: Sendable {
    /// One direction of an edge.
    struct Follow: Hashable, Sendable {
        /// Indices into `users`.
        var follower: Int
        var followed: Int
        var key: RequestId
    }

    struct Post: Hashable, Sendable {
        var text: String
        /// From 1.
        var line: Int
        var key: RequestId
    }

    /// `u<n>`, ascending by n.
    let users: [String]
    let follows: [Follow]
    /// For each user its tweets, in the order of their lines.
    let posts: [[Post]]
    let skipped: ImportResult.Skipped
    let tweetsPath: String

    var postCount: Int { posts.reduce(0) { $0 + $1.count } }

    /// - Throws: `ImportFailure` that names the file and the line.
    public init(graph: ImportFile, tweets: ImportFile, directed: Bool) throws {
        let list = try EdgeList(graph, directed: directed)
        let indices = Dictionary(uniqueKeysWithValues: list.nodes.enumerated().map { ($0.element, $0.offset) })
        users = list.nodes.map { "u\($0)" }
        follows = Self.follows(list, indices, hash: Checksum.xxh3(graph.bytes), directed: directed)
        var skipped = ImportResult.Skipped(selfLoops: list.selfLoops, duplicate: list.duplicates)
        posts = try Self.posts(tweets, users: users, skipped: &skipped)
        self.skipped = skipped
        tweetsPath = tweets.path
    }

    /// What a key is for: one line may need several.
    private enum Purpose: UInt64 {
        case follow = 1
        case followBack = 2
        case post = 3
        case register = 4
    }

    private static func follows(
        _ list: EdgeList, _ indices: [UInt64: Int], hash: UInt64, directed: Bool
    ) -> [Follow] {
        list.edges.flatMap { edge -> [Follow] in
            guard let first = indices[edge.first], let second = indices[edge.second] else { return [] }
            let there = Follow(
                follower: first, followed: second,
                key: .permanent(hash: hash, UInt64(edge.line), Purpose.follow.rawValue))
            let back = Follow(
                follower: second, followed: first,
                key: .permanent(hash: hash, UInt64(edge.line), Purpose.followBack.rawValue))
            return directed ? [there] : [there, back]
        }
    }

    private static func posts(
        _ file: ImportFile, users: [String], skipped: inout ImportResult.Skipped
    ) throws -> [[Post]] {
        let hash = Checksum.xxh3(file.bytes)
        var posts = [[Post]](repeating: [], count: users.count)
        for (index, line) in file.lines.enumerated() {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw ImportFailure.line(file: file.path, line: index + 1, problem: "it is not UTF-8 text")
            }
            let trimmed = trim(text)
            guard !trimmed.isEmpty else {
                skipped.empty += 1
                continue
            }
            let user = index % users.count
            // The author belongs to the key: with another graph the same line is another author's tweet.
            let key = RequestId.permanent(
                hash: hash, UInt64(index + 1), Purpose.post.rawValue, Checksum.xxh3(Array(users[user].utf8)))
            posts[user].append(Post(text: trimmed, line: index + 1, key: key))
        }
        return posts
    }

    /// The secret is part of the key: who knows only the files cannot ask for the session that was made with it.
    static func registerKey(name: String, secret: [UInt8]) -> RequestId {
        .permanent(hash: Checksum.xxh3(Array(name.utf8)), Checksum.xxh3(secret), Purpose.register.rawValue)
    }

    /// Without the white space at its ends (Unicode's White_Space).
    private static func trim(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}
