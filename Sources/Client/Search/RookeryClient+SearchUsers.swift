import Cluster
import Foundation
import Messages

extension RookeryClient {
    /// People whose name, or a word of whose display name, begins with the prefix, by that name or word. Of several words
    /// each must begin one of theirs; then they come by what begins with the longest.
    public func searchUsers(
        _ prefix: String, maxResults: Int = 10, next: String? = nil, session: Session
    ) async throws -> UserSearchPage {
        guard SearchOptions.maxResultsRange.contains(maxResults) else {
            throw RookeryError(.invalidArgument, "a page of a search has 1 to 100 people")
        }
        let deadline = deadline()
        var place = try UserSearchToken(next, prefix)
        var missing: Set<NodeId> = []
        while true {
            let replies = try await askForUsers(
                prefix, maxResults: maxResults, after: place, session, deadline
            ).orThrow()
            missing.formUnion(replies.missing)
            let (hits, next) = Self.merge(replies, maxResults: maxResults)
            // Much may begin so and be nobody's: a page without people is given only when time is short.
            if hits.isEmpty, let next, !deadline.isHalfOver {
                place = next
                continue
            }
            return UserSearchPage(
                users: hits.map { .init(id: Id(rawValue: $0.userId), name: $0.name, displayName: $0.displayName) },
                next: try next?.encode(prefix), missingNodes: missing.sorted().map(\.rawValue))
        }
    }

    private func askForUsers(
        _ prefix: String, maxResults: Int, after place: UserSearchToken, _ session: Session, _ deadline: Deadline
    ) async throws -> Scattered<UserSearchReply> {
        try await scatter(
            "rookery.Search/Users", as: UserSearchReply.self, over: allPartitions, session: session, by: deadline
        ) { partitions in
            UserSearchRequest.with {
                $0.prefix = prefix
                $0.partitions = partitions.map { UInt32($0.rawValue) }
                $0.limit = UInt32(maxResults)
                $0.afterWord = place.word
                $0.afterUser = place.user
            }
        }
    }

    /// - Returns: the page, and where the next one begins; nil at the end.
    private static func merge(
        _ replies: Scattered<UserSearchReply>, maxResults: Int
    ) -> (hits: ArraySlice<UserHit>, next: UserSearchToken?) {
        // Beyond the place up to which every owner has told all, others' hits would leave a gap.
        let end = replies.answers.compactMap { $0.answer.end }.min { $0 < $1 }
        let hits = replies.answers.flatMap(\.answer.hits).filter { hit in
            end.map { (hit.word, hit.userId) <= $0 } ?? true
        }.sorted { ($0.word, $0.userId) < ($1.word, $1.userId) }
        let shown = hits.prefix(maxResults)
        // Those that are missing may be back for the next page.
        let isCut = hits.count > shown.count || end == nil && !replies.missing.isEmpty
        let last = isCut ? shown.last.map { ($0.word, $0.userId) } : end
        return (shown, last.map { UserSearchToken(word: $0.0, user: $0.1) })
    }
}

extension UserSearchReply {
    /// Up to where it tells all there is; nil when that is everything.
    fileprivate var end: (word: String, user: UInt64)? {
        guard more else { return nil }
        return stoppedAtWord.isEmpty ? hits.last.map { ($0.word, $0.userId) } : (stoppedAtWord, stoppedAtUser)
    }
}

/// Where a page of people ended, tied to the prefix it was found by.
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
