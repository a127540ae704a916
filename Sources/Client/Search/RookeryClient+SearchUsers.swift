import Cluster
import Foundation
import Messages

extension RookeryClient {
    /// People whose name, or a word of whose display name, begins with the prefix, by that name or word.
    public func searchUsers(
        _ prefix: String, maxResults: Int = 10, next: String? = nil, session: Session
    ) async throws -> UserSearchPage {
        guard SearchOptions.maxResultsRange.contains(maxResults) else {
            throw RookeryError(.invalidArgument, "a page of a search has 1 to 100 people")
        }
        let after = try UserSearchToken(next, prefix)
        let replies = try await scatter(
            "rookery.Search/Users", as: UserSearchReply.self, over: allPartitions, session: session
        ) { partitions in
            UserSearchRequest.with {
                $0.prefix = prefix
                $0.partitions = partitions.map { UInt32($0.rawValue) }
                $0.limit = UInt32(maxResults)
                $0.afterWord = after.word
                $0.afterUser = after.user
            }
        }.orThrow()
        return try Self.merge(replies, prefix, maxResults: maxResults)
    }

    private static func merge(
        _ replies: Scattered<UserSearchReply>, _ prefix: String, maxResults: Int
    ) throws -> UserSearchPage {
        var hits = replies.answers.flatMap(\.answer.hits).sorted { ($0.word, $0.userId) < ($1.word, $1.userId) }
        let all = hits.count
        // Beyond the last hit of an owner that has more, others' hits would leave a gap.
        for reply in replies.answers.map(\.answer) where reply.more {
            guard let last = reply.hits.last else { continue }
            hits.removeAll { ($0.word, $0.userId) > (last.word, last.userId) }
        }
        let shown = hits.prefix(maxResults)
        let more = all > shown.count || replies.answers.contains(where: \.answer.more)
        return UserSearchPage(
            users: shown.map {
                UserSearchPage.Hit(id: Id(rawValue: $0.userId), name: $0.name, displayName: $0.displayName)
            },
            next: more
                ? try shown.last.map { try UserSearchToken(word: $0.word, user: $0.userId).encode(prefix) } : nil,
            missingNodes: replies.missing.map(\.rawValue))
    }
}

/// The last hit of a page of people, tied to the prefix it was found by.
private struct UserSearchToken: Codable {
    var word = ""
    var user: UInt64 = 0
    var prefix = ""

    init(word: String, user: UInt64) {
        self.word = word
        self.user = user
    }

    init(_ text: String?, _ prefix: String) throws {
        guard let text, !text.isEmpty else { return }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(base64Encoded: text) ?? Data())
        } catch {
            throw Self.invalid
        }
        guard self.prefix == prefix else { throw Self.invalid }
    }

    func encode(_ prefix: String) throws -> String {
        var token = self
        token.prefix = prefix
        return try JSONEncoder().encode(token).base64EncodedString()
    }

    private static let invalid = RookeryError(.invalidArgument, "the page token does not belong to this search")
}
