import Cluster
import Messages
import RPC
import Replication
import Storage

/// Search in the tweets of the partitions that this node leads: F10. The client asks all nodes and merges.
struct SearchService: Sendable {
    let node: NodeContext
    let index: SearchIndex

    static let maxPage = 200
    /// Postings and rows looked at for one answer; the answer says where to go on.
    static let budget = 50_000
    /// Matches of one partition that a ranking by score takes into account, the newest ones.
    static let rankedMatches = 2000
    static let recentMs: UInt64 = 7 * 24 * 3600 * 1000

    func tweets(_ request: SearchRequest, _ context: CallContext) async throws -> SearchReply {
        try await node.catchUp(context)
        guard node.config.storage.index else {
            throw Refusal(.failedPrecondition, "this cluster keeps no search index: storage.index is false")
        }
        let query = try parsed(request)
        let partitions = try node.owned(request.partitions)
        // Its signature says whose it is; whether it still holds is asked while the search runs.
        let viewer = try node.bearer(context)
        async let proof = node.provenViewer(context)
        let search = Search(
            plan: SearchPlan(query), request: request, viewer: viewer, range: range(of: request),
            regions: node.regionNames)
        var reply = try await index.ask(partitions.map(\.id)) { try search.run($0, $1, for: $2) }
        _ = try await proof
        reply.cover = partitions.map(\.covered)
        return reply
    }

    private func parsed(_ request: SearchRequest) throws -> SearchQuery {
        do {
            let query = try SearchQuery(parsing: request.query)
            return request.excludeReplies ? .conjunction([query, .not(.filter(.replies))]) : query
        } catch {
            throw Refusal(.invalidArgument, "the query is not understood at \(error)")
        }
    }

    private func range(of request: SearchRequest) -> Range<UInt64> {
        let nowMs = node.clock.nowMs()
        let recent = max(Id.epochMs, nowMs - min(nowMs, Self.recentMs))
        let floor = request.archive ? 0 : Id(unixMs: recent, partition: PartitionId(0), sequence: 0).rawValue
        let top = SearchPlan.allIds.upperBound
        let ceiling =
            switch request.sort {
            case .sortLatest: request.below == 0 ? top : min(request.below, top)
            case .sortTop: request.ceiling == 0 ? top : min(request.ceiling, top - 1) + 1
            }
        return floor..<max(floor, ceiling)
    }
}

/// One question to one node.
private struct Search: Sendable {
    let plan: SearchPlan
    let request: SearchRequest
    let viewer: Id
    let range: Range<UInt64>
    let regions: [String]

    func run(
        _ indexes: [(PartitionId, PartitionIndex)], _ rows: any Reader, for asker: Asker
    ) throws -> SearchReply {
        switch request.sort {
        case .sortLatest: try latest(indexes, rows, for: asker)
        case .sortTop: try top(indexes, rows, for: asker)
        }
    }

    private func candidates(
        _ indexes: [(PartitionId, PartitionIndex)], _ rows: any Reader
    ) -> [CandidateStream] {
        indexes.map { partition, index in
            index.candidates(
                plan, range: range, source: SearchBlockRows(partition: partition, rows: rows),
                likes: { try counts(of: $0, rows).likes })
        }
    }

    private func latest(
        _ indexes: [(PartitionId, PartitionIndex)], _ rows: any Reader, for asker: Asker
    ) throws -> SearchReply {
        let page = try MergedSearch(candidates(indexes, rows), range: range).page(
            limit: limit, budget: SearchService.budget, check: asker.check, accept: Audience(viewer: viewer.rawValue, rows: rows).isShown)
        return .with {
            $0.hits = page.ids.map { id in .with { $0.id = id } }
            $0.exhausted = page.isExhausted
            $0.examinedTo = page.examinedTo
        }
    }

    private var limit: Int { min(max(1, Int(request.limit)), SearchService.maxPage) }

    private func top(
        _ indexes: [(PartitionId, PartitionIndex)], _ rows: any Reader, for asker: Asker
    ) throws -> SearchReply {
        var hits: [SearchHit] = []
        for stream in candidates(indexes, rows) {
            let page = try MergedSearch([stream], range: range).page(
                limit: SearchService.rankedMatches, budget: SearchService.budget, check: asker.check,
                accept: Audience(viewer: viewer.rawValue, rows: rows).isShown)
            for id in page.ids {
                let counts = try counts(of: id, rows)
                let score = UInt64(max(0, counts.likes + counts.retweets + counts.replies))
                guard isBelow(score, id) else { continue }
                hits.append(
                    .with {
                        $0.id = id
                        $0.score = score
                    })
            }
        }
        hits.sort { ($0.score, $0.id) > ($1.score, $1.id) }
        return .with {
            $0.hits = Array(hits.prefix(limit))
            $0.exhausted = hits.count <= limit
        }
    }

    /// Whether it ranks behind the page before.
    private func isBelow(_ score: UInt64, _ id: UInt64) -> Bool {
        request.below == 0 || (score, id) < (request.belowScore, request.below)
    }

    private func counts(of tweet: UInt64, _ rows: any Reader) throws -> Sums {
        try SumReading.world(of: Id(rawValue: tweet), regions: regions, in: rows)
    }
}

extension Partition {
    /// Names the partition in an answer that covers it (rule F5).
    nonisolated var covered: CoveredPartition {
        .with {
            $0.partition = UInt32(id.rawValue)
            $0.epoch = epoch
        }
    }
}
