import Cluster
import Messages
import RPC

extension RookeryClient {
    /// Tweets that match the query and that the session's account may read: F10. Every owner is asked at once; those
    /// that do not answer are named.
    /// - Throws: `invalidArgument` with the column and the reason for a query that cannot be parsed.
    public func search(
        _ query: String, _ options: SearchOptions = SearchOptions(), session: Session
    ) async throws -> SearchPage {
        guard SearchOptions.maxResultsRange.contains(options.maxResults) else {
            throw RookeryError(.invalidArgument, "a page of a search has 1 to 100 tweets")
        }
        let deadline = deadline()
        let token = try SearchToken(options.next, query, options)
        let found =
            switch options.sort {
            case .latest: try await latest(query, options, token, session, deadline)
            case .top: try await top(query, options, token, session, deadline)
            }
        let tweets = try await lookUp(
            found.ids.map { Id(rawValue: $0) }, foundBy: query, session: session, by: deadline)
        return SearchPage(
            tweets: tweets, next: found.next?.encode(query, options), missingNodes: found.missing.map(\.rawValue),
            partial: found.partial, includes: try await expand(tweets, options.expansions, session, by: deadline))
    }

    private struct Found {
        var ids: [UInt64] = []
        var next: SearchToken?
        var missing: [NodeId] = []
        var partial = false
    }

    private func latest(
        _ query: String, _ options: SearchOptions, _ token: SearchToken, _ session: Session, _ deadline: Deadline
    ) async throws -> Found {
        var merge = LatestMerge(limit: options.maxResults)
        var found = Found()
        var waiting = Dictionary(uniqueKeysWithValues: allPartitions.map { ($0, token.below) })
        repeat {
            let below = waiting
            let replies = try await scatter(
                "rookery.Search/Tweets", as: SearchReply.self, over: below.keys.sorted(), session: session,
                by: deadline
            ) { partitions in
                // The partitions of one node have one place; should they have moved together, the highest is safe.
                let places = partitions.compactMap { below[$0] }
                return options.request(query, partitions) {
                    $0.below = places.contains(0) ? 0 : places.max() ?? 0
                }
            }
            if found.missing.isEmpty, merge.isEmpty { _ = try replies.orThrow() }
            for (_, reply) in replies.answers { merge.take(reply) }
            for partition in replies.missingPartitions { merge.giveUp(partition) }
            found.missing += replies.missing
            waiting = merge.mustAsk
            // A page that is short of time ends where it is complete.
        } while !waiting.isEmpty && !deadline.isHalfOver
        let page = merge.page
        found.ids = page.ids
        found.next = page.next.map { SearchToken(below: $0) }
        found.missing = Set(found.missing).sorted()
        return found
    }

    private func top(
        _ query: String, _ options: SearchOptions, _ token: SearchToken, _ session: Session, _ deadline: Deadline
    ) async throws -> Found {
        let replies = try await scatter(
            "rookery.Search/Tweets", as: SearchReply.self, over: allPartitions, session: session, by: deadline
        ) { partitions in
            options.request(query, partitions) {
                $0.below = token.below
                $0.belowScore = token.belowScore
                $0.ceiling = token.ceiling
            }
        }.orThrow()
        let hits = replies.answers.flatMap(\.answer.hits).sorted { ($0.score, $0.id) > ($1.score, $1.id) }
        let shown = hits.prefix(options.maxResults)
        var found = Found(ids: shown.map(\.id), missing: replies.missing)
        found.partial = replies.answers.contains(where: \.answer.partial)
        // Those that are missing may be back for the next page.
        let more =
            hits.count > shown.count || !replies.missing.isEmpty || replies.answers.contains { !$0.answer.exhausted }
        if more, let last = shown.last {
            // The newest that the first page could hold: no clock of ours has a say in what is found.
            let ceiling = token.ceiling == 0 ? replies.answers.map(\.answer.newest).max() ?? 0 : token.ceiling
            found.next = SearchToken(below: last.id, belowScore: last.score, ceiling: ceiling)
        }
        return found
    }

    /// Several tweets at once; those that are gone or hidden are left out.
    /// - Parameter query: the search they were found by, to mark what matched.
    func lookUp(
        _ ids: [Id], foundBy query: String = "", session: Session, by deadline: Deadline
    ) async throws -> [Tweet] {
        guard !ids.isEmpty else { return [] }
        let request = LookupRequest.with {
            $0.ids = ids.map(\.rawValue)
            $0.query = query
        }
        return try page(
            try await read(
                "rookery.Tweets/Lookup", request, as: TimelineReply.self, at: .member(session.partition),
                session: session, timeout: deadline.left)
        ).tweets
    }

    var allPartitions: [PartitionId] { (0..<table.partitioning.count).map { PartitionId(UInt16($0)) } }
}

extension SearchOptions {
    fileprivate func request(
        _ query: String, _ partitions: [PartitionId], _ place: (inout SearchRequest) -> Void
    ) -> SearchRequest {
        .with {
            $0.query = query
            $0.partitions = partitions.map { UInt32($0.rawValue) }
            // One more than is shown tells whether there is a next page.
            $0.limit = UInt32(maxResults + 1)
            $0.sort = sort == .top ? .sortTop : .sortLatest
            $0.archive = archive
            $0.excludeReplies = excludeReplies
            place(&$0)
        }
    }
}
