import Cluster
import Messages
import RPC
import Replication
import Sketches
import Storage

/// Top-K and trends over the homes that this node leads: F11, F12. The client asks all nodes and merges.
struct TopService: Sendable {
    let node: NodeContext
    let homes: TopHomes

    static let maxItems = 1000

    func top(_ request: TopRequest, _ context: CallContext) async throws -> TopReply {
        try await node.catchUp(context)
        let partitions = try node.owned(request.partitions)
        let limit = min(max(1, Int(request.limit)), Self.maxItems)
        let region = try region(named: request.region)
        var reply: TopReply
        switch (request.kind, request.by) {
        case (.topTweets, .topByLikes): reply = try await tweets(.likes, region, limit, partitions, request, context)
        case (.topTweets, .topByViews): reply = try await views(region, limit, partitions, request, context)
        case (.topTweets, .topByRetweets):
            reply = try await tweets(.retweets, region, limit, partitions, request, context)
        case (.topTweets, .topByReplies):
            reply = try await tweets(.replies, region, limit, partitions, request, context)
        case (.topHashtags, .topByUses): reply = try await names(.hashtags, region, limit, partitions, request, context)
        case (.topUsers, .topByFollowers): reply = try await names(.users, region, limit, partitions, request, context)
        case (.topTerms, .topByUses): reply = try await terms(region, partitions, request, context)
        default: throw Refusal(.invalidArgument, "this cannot be ranked so")
        }
        reply.cover = partitions.map(\.covered)
        return reply
    }

    // MARK: Hashtags and users

    private func names(
        _ subject: TopRankings.NameRanking.Subject, _ region: String?, _ limit: Int, _ partitions: [Partition],
        _ request: TopRequest, _ context: CallContext
    ) async throws -> TopReply {
        async let proof = node.provenViewer(context)
        let window = TopWindow(request.window)
        let ranking = TopRankings.NameRanking(subject: subject, region: region)
        let merged = try await homes.ask(partitions.map(\.id)) { rankings, rows, nowMs in
            try rankings.top(ranking, k: limit, window: window, nowMs: nowMs, rows)
        } merging: { ranked, _ in
            Self.merge(ranked, limit: limit)
        }
        _ = try await proof
        return Self.reply(merged) { key, item in item.text = key }
    }

    // MARK: Tweets

    /// Tweets that are gone, or that the viewer may not read, are passed over, and others come in their place.
    private func tweets(
        _ metric: TweetMetric, _ region: String?, _ limit: Int, _ partitions: [Partition], _ request: TopRequest,
        _ context: CallContext
    ) async throws -> TopReply {
        // Its signature says whose it is; whether it still holds is asked while the homes are.
        let viewer = try node.bearer(context)
        async let proof = node.provenViewer(context)
        let window = TopWindow(request.window)
        let ranking = TopRankings.TweetRanking(metric: metric, region: region)
        var wanted = limit
        while true {
            let asked = wanted
            var (merged, own) = try await homes.ask(partitions.map(\.id)) { rankings, rows, nowMs in
                try rankings.top(ranking, k: asked, window: window, nowMs: nowMs, rows)
            } merging: { [self] ranked, rows in
                let merged = Self.merge(ranked, limit: asked)
                return (merged, try shownHere(merged.entries.map(\.key), viewer, rows))
            }
            let (shown, missing) = try await shown(merged.entries.map(\.key), own, viewer, context)
            merged.entries.removeAll { !shown.contains($0.key) }
            if merged.entries.count >= limit || merged.next == nil || asked >= Self.maxCandidates {
                merged = Self.cut(merged, to: limit)
                _ = try await proof
                var reply = Self.reply(merged) { key, item in item.id = key }
                reply.exact = missing.isEmpty
                reply.missing = missing.map(\.rawValue)
                return reply
            }
            try Task.checkCancellation()
            wanted = min(Self.maxCandidates, asked * 2)
        }
    }

    /// Of the tweets that live on this node, those that the viewer may be shown.
    private func shownHere(_ tweets: [UInt64], _ viewer: Id, _ rows: any Reader) throws -> Set<UInt64> {
        let audience = Audience(viewer: viewer.rawValue, rows: rows)
        return Set(try tweets.filter { try isHere($0) && audience.isShown($0) })
    }

    private func isHere(_ tweet: UInt64) -> Bool { node.partition(Id(rawValue: tweet).partition) != nil }

    /// With `own`, which is known of this node's: all that the viewer may be shown. A region's sums of a tweet may lie
    /// on another node than the tweet; one that does not answer is named, and its tweets are left out.
    private func shown(
        _ tweets: [UInt64], _ own: Set<UInt64>, _ viewer: Id, _ context: CallContext
    ) async throws -> (Set<UInt64>, missing: [NodeId]) {
        let hydration = Hydration(node: node, context: context, viewer: viewer)
        let found = try await hydration.fetchReachable(tweets.filter { !isHere($0) })
        let shown = try found.tweets.values.filter { tweet in
            guard !tweet.row.isEmpty, !tweet.hidden else { return false }
            return try !TweetRow.decode(tweet.row).deleted
        }
        return (own.union(shown.map(\.id)), found.missing)
    }

    /// Estimates, with their bounds: what everybody looks at is too much to be counted tweet by tweet.
    private func views(
        _ region: String?, _ limit: Int, _ partitions: [Partition], _ request: TopRequest, _ context: CallContext
    ) async throws -> TopReply {
        let viewer = try node.bearer(context)
        async let proof = node.provenViewer(context)
        let window = TopWindow(request.window)
        let (shown, bound) = try await homes.ask(partitions.map(\.id)) { rankings, rows, nowMs in
            try rankings.topViews(Self.maxCandidates, region: region, window: window, nowMs: nowMs, rows)
        } merging: { [self] tops, rows in
            let counters = tops.flatMap(\.counters).sorted { ($1.estimate, $0.key) < ($0.estimate, $1.key) }
            let (shown, next) = try firstShown(limit, of: counters, viewer, rows)
            return (shown, tops.reduce(next) { max($0, $1.bound) })
        }
        _ = try await proof
        return .with {
            $0.items = shown.map { counter in
                .with {
                    $0.id = counter.key
                    $0.count = Int64(clamping: counter.estimate)
                    $0.error = counter.error
                }
            }
            $0.complete = bound == 0
            $0.bound = Int64(clamping: bound)
        }
    }

    /// Tweets that are gone, or that the viewer may not read, are passed over, and others come in their place.
    /// - Returns: also what any other one has at most, of those that may be shown as far as was looked.
    private func firstShown(
        _ limit: Int, of counters: [MergedCounters<UInt64>.Counter], _ viewer: Id, _ rows: any Reader
    ) throws -> (shown: [MergedCounters<UInt64>.Counter], next: UInt64) {
        let audience = Audience(viewer: viewer.rawValue, rows: rows)
        var shown: [MergedCounters<UInt64>.Counter] = []
        for (place, counter) in counters.enumerated() {
            guard place < Self.maxCandidates else { return (shown, counter.estimate) }
            // A tweet's views are told to its own partition: all of them are here.
            guard try isHere(counter.key) && audience.isShown(counter.key) else { continue }
            guard shown.count < limit else { return (shown, counter.estimate) }
            shown.append(counter)
        }
        return (shown, 0)
    }

    /// So many may be passed over before an answer has to do with fewer items.
    private static let maxCandidates = 4096

    // MARK: Merging what several homes of this node say

    private static func merge<Key>(_ tops: [Top<Key>], limit: Int) -> Top<Key> {
        cut(Top(entries: tops.flatMap(\.entries).sorted(), next: tops.compactMap(\.next).min()), to: limit)
    }

    private static func cut<Key>(_ top: Top<Key>, to limit: Int) -> Top<Key> {
        guard top.entries.count > limit else { return top }
        let next = min(top.entries[limit], top.next ?? top.entries[limit])
        return Top(entries: Array(top.entries.prefix(limit)), next: next)
    }

    private static func reply<Key>(_ top: Top<Key>, _ name: (Key, inout TopItem) -> Void) -> TopReply {
        .with {
            $0.items = top.entries.map { entry in
                var item = TopItem()
                name(entry.key, &item)
                item.count = entry.count
                return item
            }
            $0.complete = top.next == nil
            $0.bound = top.next?.count ?? 0
            $0.exact = true
        }
    }

    // MARK: Trends

    func trends(_ request: TrendsRequest, _ context: CallContext) async throws -> TrendsReply {
        try await node.catchUp(context)
        async let proof = node.provenViewer(context)
        let partitions = try node.owned(request.partitions)
        let region = try region(named: request.region)
        guard let trends = Trends(window: TopWindow(request.window)) else {
            throw Refusal(.invalidArgument, "trends compare a window of 15m, 1h or 24h with the seven days before it")
        }
        let limit = min(max(1, Int(request.limit)), Self.maxItems)
        let best = try await homes.ask(partitions.map(\.id)) { rankings, rows, nowMs in
            try rankings.rising(trends, region: region, limit: limit, nowMs: nowMs, rows)
        } merging: { found, _ in
            found.flatMap { $0 }.sorted { ($1.score, $0.tag) < ($0.score, $1.tag) }.prefix(limit)
        }
        _ = try await proof
        return .with {
            $0.items = best.map { trend in
                .with {
                    $0.tag = trend.tag
                    $0.votes = UInt64(max(0, trend.votes))
                    $0.expectedMilli = UInt64(max(0, trend.expected * 1000))
                    $0.scoreMilli = UInt64(max(0, trend.score * 1000))
                }
            }
            $0.cover = partitions.map(\.covered)
        }
    }

    // MARK: What was asked

    /// Nil for the world.
    private func region(named name: String) throws -> String? {
        guard !name.isEmpty else { return nil }
        guard let region = node.partitioning.region(named: name) else {
            throw Refusal(.invalidArgument, "there is no region \(name)")
        }
        return region.name
    }
}

extension TopWindow {
    init(_ message: Messages.TopWindow) {
        self =
            switch message {
            case .window15Minutes: .quarter
            case .windowHour: .hour
            case .windowDay: .day
            case .windowWeek: .week
            case .windowAll: .all
            }
    }
}
