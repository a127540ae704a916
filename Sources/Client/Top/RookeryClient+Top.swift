import Cluster
import Messages

extension RookeryClient {
    /// The largest of what was asked for, merged from what each home is sure of: F11. Homes that do not answer are
    /// named; then the list is not exact.
    public func top(_ query: TopQuery, session: Session) async throws -> TopList {
        guard TopQuery.kRange.contains(query.k) else {
            throw RookeryError(.invalidArgument, "k must be 1 to 1000")
        }
        let (homes, deadline) = (try homes(of: query), deadline())
        if query.what == .terms { return try await topTerms(query, in: homes, session: session, by: deadline) }
        let (outcome, isExact, unseen) = try await merged(query, homes, session, deadline)
        return TopList(
            items: try await items(outcome.items, query, session, deadline),
            exact: isExact && outcome.missing.isEmpty && outcome.unsettled.isEmpty,
            bound: query.by == .views ? outcome.bound : nil,
            missingNodes: unseen.union(outcome.missing.map(\.rawValue)).sorted())
    }

    /// How often a list is begun anew because partitions move while their owners are asked.
    private static let restarts = 2

    /// - Returns: also the nodes that do not say whether their tweets, which others count, may be shown.
    private func merged(
        _ query: TopQuery, _ homes: [PartitionId], _ session: Session, _ deadline: Deadline
    ) async throws -> (outcome: TopMerge<TopKey, NodeId>.Outcome, isExact: Bool, unseen: Set<String>) {
        var (owners, restartsLeft, isExact) = (owners(of: homes), Self.restarts, true)
        var unseen: Set<String> = []
        var merge = TopMerge<TopKey, NodeId>(k: query.k, owners: Set(owners.values).sorted())
        var action = merge.start()
        while true {
            switch action {
            case .wait: preconditionFailure("everybody who was asked has answered or failed")
            case .finish(let outcome): return (outcome, isExact, unseen)
            case .ask(let nodes, let first):
                let asked = homes.filter { owners[$0].map(nodes.contains) ?? false }
                let replies = try await ask(query, first: first, of: asked, session, deadline)
                if replies.missing.count == merge.ownerCount { _ = try replies.orThrow() }
                isExact = isExact && replies.answers.allSatisfy(\.answer.exact)
                unseen.formUnion(replies.answers.flatMap(\.answer.missing))
                action = Self.feed(replies, to: &merge, asked: nodes)
            }
            // Pages are about what their owners had: some of it is elsewhere now, and in nobody's page.
            let ownersNow = self.owners(of: homes)
            guard ownersNow != owners else { continue }
            guard restartsLeft > 0 else {
                isExact = false
                continue
            }
            (owners, restartsLeft) = (ownersNow, restartsLeft - 1)
            merge = TopMerge(k: query.k, owners: Set(owners.values).sorted())
            action = merge.start()
        }
    }

    private func owners(of homes: [PartitionId]) -> [PartitionId: NodeId] {
        Dictionary(uniqueKeysWithValues: homes.compactMap { home in table.owner(of: home).map { (home, $0) } })
    }

    private func ask(
        _ query: TopQuery, first: Int, of homes: [PartitionId], _ session: Session, _ deadline: Deadline
    ) async throws -> Scattered<TopReply> {
        let message = try query.message
        return try await scatter(
            "rookery.Top/Top", as: TopReply.self, over: homes, session: session, by: deadline
        ) { partitions in
            var request = message
            request.limit = UInt32(first)
            request.partitions = partitions.map { UInt32($0.rawValue) }
            return request
        }
    }

    private static func feed(
        _ replies: Scattered<TopReply>, to merge: inout TopMerge<TopKey, NodeId>, asked: [NodeId]
    ) -> TopMerge<TopKey, NodeId>.Action {
        var action = TopMerge<TopKey, NodeId>.Action.wait
        for node in asked {
            let answers = replies.answers.filter { $0.node == node }.map(\.answer)
            action =
                answers.isEmpty || replies.missing.contains(node)
                ? merge.failed(node) : merge.received(TopMerge.Page(answers), from: node)
        }
        return action
    }

    /// A region's own sums of tweets, and its words, lie with that region's partitions; everything else anywhere.
    private func homes(of query: TopQuery) throws -> [PartitionId] {
        guard let name = query.region else { return allPartitions }
        guard let region = table.partitioning.region(named: name) else {
            let names = table.partitioning.regions.map(\.name).joined(separator: ", ")
            throw RookeryError(.invalidArgument, "there is no region \(name): this cluster has \(names)")
        }
        let isRegional = query.what == .terms || query.what == .tweets && query.by != .views
        guard isRegional else { return allPartitions }
        return allPartitions.filter { region.contains($0) }
    }

    private func items(
        _ top: [TopMerge<TopKey, NodeId>.Item], _ query: TopQuery, _ session: Session, _ deadline: Deadline
    ) async throws -> [TopList.Item] {
        var tweets: [Id: Tweet] = [:]
        if query.what == .tweets {
            for start in stride(from: 0, to: top.count, by: Self.lookUpAtOnce) {
                let ids = top[start..<min(top.count, start + Self.lookUpAtOnce)].map { Id(rawValue: $0.key.id) }
                for tweet in try await lookUp(ids, session: session, by: deadline) { tweets[tweet.id] = tweet }
            }
        }
        return top.map { item in
            let id = Id(rawValue: item.key.id)
            return TopList.Item(
                key: query.what == .tweets ? "\(id)" : item.key.text, count: item.count,
                error: item.error == 0 ? nil : item.error, tweet: tweets[id])
        }
    }

    private static let lookUpAtOnce = 100

    /// Hashtags that rise: F12.
    public func trends(
        k: Int = 10, window: TopQuery.Window = .hour, region: String? = nil, session: Session
    ) async throws -> TrendList {
        guard TopQuery.kRange.contains(k) else { throw RookeryError(.invalidArgument, "k must be 1 to 1000") }
        _ = try homes(of: TopQuery(.hashtags, region: region))
        let replies = try await scatter(
            "rookery.Top/Trends", as: TrendsReply.self, over: allPartitions, session: session, by: deadline()
        ) { partitions in
            TrendsRequest.with {
                $0.window = window.message
                $0.limit = UInt32(k)
                $0.region = region ?? ""
                $0.partitions = partitions.map { UInt32($0.rawValue) }
            }
        }.orThrow()
        let rising = replies.answers.flatMap(\.answer.items).sorted {
            ($1.scoreMilli, $0.tag) < ($0.scoreMilli, $1.tag)
        }
        return TrendList(
            items: rising.prefix(k).map {
                TrendList.Item(
                    tag: $0.tag, votes: $0.votes, expected: Double($0.expectedMilli) / 1000,
                    score: Double($0.scoreMilli) / 1000)
            }, missingNodes: replies.missing.map(\.rawValue))
    }
}

/// Tweets and users are told apart by id, hashtags by text.
struct TopKey: Hashable, Comparable, Sendable {
    var id: UInt64
    var text: String

    static func < (a: Self, b: Self) -> Bool { (a.id, a.text) < (b.id, b.text) }
}

extension TopQuery {
    var message: TopRequest {
        get throws {
            guard Self.metrics(of: what).contains(by) else {
                throw RookeryError(.invalidArgument, "\(what.rawValue) are not ranked by \(by.rawValue)")
            }
            return .with {
                $0.kind = what.message
                $0.by = by.message
                $0.window = window.message
                $0.region = region ?? ""
            }
        }
    }
}

extension TopQuery.What {
    fileprivate var message: TopKind {
        switch self {
        case .tweets: .topTweets
        case .hashtags: .topHashtags
        case .users: .topUsers
        case .terms: .topTerms
        }
    }
}

extension TopQuery.Metric {
    fileprivate var message: TopMetric {
        switch self {
        case .likes: .topByLikes
        case .views: .topByViews
        case .retweets: .topByRetweets
        case .replies: .topByReplies
        case .uses: .topByUses
        case .followers: .topByFollowers
        }
    }
}

extension TopQuery.Window {
    fileprivate var message: Messages.TopWindow {
        switch self {
        case .quarter: .window15Minutes
        case .hour: .windowHour
        case .day: .windowDay
        case .week: .windowWeek
        case .all: .windowAll
        }
    }
}

extension TopMerge<TopKey, NodeId>.Page {
    /// What one node said: mostly once, more often when partitions moved to it meanwhile.
    fileprivate init(_ replies: [TopReply]) {
        let items = replies.flatMap(\.items).map { item in
            // Users and hashtags rank by name where they count the same.
            TopMerge<TopKey, NodeId>.Item(
                key: TopKey(id: item.text.isEmpty ? item.id : 0, text: item.text), count: item.count, error: item.error)
        }
        self.init(
            items: items.sorted { ($1.count, $0.key) < ($0.count, $1.key) }, bound: replies.map(\.bound).max() ?? 0,
            isComplete: replies.allSatisfy(\.complete), isOneList: replies.count == 1)
    }
}
