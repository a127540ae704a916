import Cluster

extension RookeryClient {
    /// What a search asked for beside its tweets; nil when it asked for nothing.
    func expand(
        _ tweets: [Tweet], _ expansions: Set<SearchOptions.Expansion>, _ session: Session, by deadline: Deadline
    ) async throws -> SearchPage.Includes? {
        guard !expansions.isEmpty else { return nil }
        var users: Set<Id> = []
        if expansions.contains(.author) { users.formUnion(tweets.map(\.authorId)) }
        if expansions.contains(.mentions) {
            users.formUnion(try await resolveAll(Set(tweets.flatMap(\.mentions).map(Username.folded)), by: deadline))
        }
        let referenced =
            expansions.contains(.referenced)
            ? Set(tweets.flatMap { [$0.inReplyTo, $0.quoteOf].compactMap { $0 } }).sorted() : []
        return SearchPage.Includes(
            users: try await profiles(of: users.sorted(), session, by: deadline),
            tweets: try await lookUp(referenced, session: session, by: deadline))
    }

    /// The accounts of those names that are somebody's.
    private func resolveAll(_ names: Set<String>, by deadline: Deadline) async throws -> [Id] {
        try await withThrowingTaskGroup(of: Id?.self) { group in
            for name in names {
                group.addTask {
                    do {
                        return try await self.resolve(name, by: deadline).id
                    } catch let error as RookeryError
                        where error.status == .notFound || error.status == .invalidArgument
                    {
                        return nil
                    }
                }
            }
            return try await group.reduce(into: []) { ids, id in if let id { ids.append(id) } }
        }
    }

    private func profiles(of users: [Id], _ session: Session, by deadline: Deadline) async throws -> [User] {
        try await withThrowingTaskGroup(of: User.self) { group in
            for user in users {
                group.addTask { try await self.profile(of: user, session: session, by: deadline) }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.id < $1.id }
        }
    }
}
