import Cluster
import Messages
import NIOCore
import RPC
import Replication
import Storage

/// Search in the tweets of the partitions that this node leads: F10. The client asks all nodes and merges.
struct SearchService: Sendable {
    let node: NodeContext
    let index: SearchIndex
    let budgets: LookBudgets

    static let maxPage = 200
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
            regions: node.regionNames, budget: budgets.tweets, end: end(of: context))
        var reply = try await index.ask(partitions.map(\.id)) { try search.run($0, $1, for: $2) }
        _ = try await proof
        reply.cover = partitions.map(\.covered)
        return reply
    }

    /// When a page ends at the latest: so late that there is time to answer it, and to ask for the next.
    private func end(of context: CallContext) -> NIODeadline {
        let now = NIODeadline.now()
        let left = max(0, (context.deadline - now).nanoseconds)
        return now + .nanoseconds(Int64(Double(left) * budgets.timeShare))
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
    let budget: Int
    let end: NIODeadline

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
            limit: limit, budget: budget, isTimeOver: isTimeOver, check: asker.check,
            accept: Audience(viewer: viewer.rawValue, rows: rows).isShown)
        return .with {
            $0.hits = page.ids.map { id in .with { $0.id = id } }
            $0.exhausted = page.isExhausted
            $0.examinedTo = page.examinedTo
        }
    }

    private func isTimeOver() -> Bool { NIODeadline.now() >= end }

    private var limit: Int { min(max(1, Int(request.limit)), SearchService.maxPage) }

    /// Ranks all that matches; of so much that the budget ends, what is newest over all partitions.
    private func top(
        _ indexes: [(PartitionId, PartitionIndex)], _ rows: any Reader, for asker: Asker
    ) throws -> SearchReply {
        let page = try MergedSearch(candidates(indexes, rows), range: range).page(
            limit: .max, budget: budget, isTimeOver: isTimeOver, check: asker.check, accept: { _ in true })
        let ranked = try scored(page.ids, rows, for: asker).filter { isBelow($0.score, $0.id) }
            .sorted { ($0.score, $0.id) > ($1.score, $1.id) }
        var reply = SearchReply.with {
            $0.partial = !page.isExhausted
            $0.newest = indexes.compactMap(\.1.newestId).max() ?? 0
        }
        let audience = Audience(viewer: viewer.rawValue, rows: rows)
        for hit in ranked where try audience.isShown(hit.id) {
            // One more was found: there is a next page.
            guard reply.hits.count < limit else { return reply }
            reply.hits.append(hit)
        }
        reply.exhausted = true
        return reply
    }

    private static let readAtOnce = 256

    private func scored(_ tweets: [UInt64], _ rows: any Reader, for asker: Asker) throws -> [SearchHit] {
        try stride(from: 0, to: tweets.count, by: Self.readAtOnce).flatMap { start in
            try asker.check()
            let ids = tweets[start..<min(tweets.count, start + Self.readAtOnce)].map { Id(rawValue: $0) }
            return zip(ids, try SumReading.worlds(of: ids, regions: regions, in: rows)).map { id, counts in
                SearchHit.with {
                    $0.id = id.rawValue
                    $0.score = UInt64(max(0, counts.likes + counts.retweets + counts.replies))
                }
            }
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
