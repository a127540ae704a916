import Cluster
import Messages
import Sketches
import Storage

/// The rankings of one partition, each a cache with a floor over the stored counts (rule F4). A ranking is made when it
/// is first asked for, and kept up from then on. A nil region is the world.
struct TopRankings: Sendable {
    struct TweetRanking: Hashable, Sendable {
        var metric: TweetMetric
        var region: String?
    }

    struct NameRanking: Hashable, Sendable {
        enum Subject: Hashable, Sendable {
            case hashtags, users
            /// Hashtags by votes: an author has one an hour.
            case votes
        }

        var subject: Subject
        var region: String?
    }

    let partition: PartitionId
    private let seed: UInt64
    private let ownRegion: String
    private let regions: [String]
    private var tweets: [TweetRanking: TopTable<UInt64>] = [:]
    private var names: [NameRanking: TopTable<String>] = [:]
    private var views: ViewSketches?
    private var terms: TermSketches?

    /// - Parameter seed: of its sketches.
    init(partition: PartitionId, partitioning: Partitioning, seed: UInt64) {
        self.partition = partition
        self.seed = seed
        ownRegion = partitioning.region(of: partition)?.name ?? ""
        regions = partitioning.regions.map(\.name)
    }

    mutating func forget() {
        tweets = [:]
        names = [:]
        views = nil
        terms = nil
    }

    // MARK: Changes

    mutating func worldChanged(_ tweet: UInt64, _ rows: any Reader, nowMs: UInt64) throws {
        let regions = regions
        try changed(tweet, region: nil, nowMs: nowMs) {
            try StoredCounts.world(of: Id(rawValue: tweet), regions: regions, in: rows)
        }
    }

    mutating func regionChanged(_ tweet: UInt64, _ rows: any Reader, nowMs: UInt64) throws {
        let partition = partition
        try changed(tweet, region: ownRegion, nowMs: nowMs) {
            try StoredCounts.region(of: Id(rawValue: tweet), at: partition, in: rows)
        }
    }

    private mutating func changed(
        _ tweet: UInt64, region: String?, nowMs: UInt64, read: () throws -> TweetWindows
    ) throws {
        let rankings = tweets.keys.filter { $0.region == region }
        guard !rankings.isEmpty else { return }
        let counts = try read()
        for ranking in rankings { tweets[ranking]?.update(tweet, counts[ranking.metric], nowMs: nowMs) }
    }

    mutating func userChanged(_ user: UInt64, _ rows: any Reader, nowMs: UInt64) throws {
        let rankings = names.keys.filter { $0.subject == .users }
        guard !rankings.isEmpty, let user = try StoredCounts.followers(of: Id(rawValue: user), in: rows) else { return }
        for ranking in rankings { names[ranking]?.update(user.name, user.count(in: ranking.region), nowMs: nowMs) }
    }

    mutating func tagChanged(_ tag: String, _ rows: any Reader, nowMs: UInt64) throws {
        let rankings = names.keys.filter { $0.subject != .users }
        guard !rankings.isEmpty else { return }
        let row = try tagRow(tag, rows)
        for ranking in rankings {
            let isVotes = ranking.subject == .votes
            let counts = try isVotes ? row.votes(in: ranking.region) : row.uses(in: ranking.region)
            names[ranking]?.update(tag, counts, nowMs: nowMs)
        }
    }

    private func tagRow(_ tag: String, _ rows: any Reader) throws -> TagRow {
        try rows.message(TagRow.self, .tags, Rows.tag(tag, in: partition)) ?? TagRow()
    }

    mutating func viewed(_ viewed: Viewed, index: UInt64, nowMs: UInt64) {
        views?.take(viewed, index: index, nowMs: nowMs)
    }

    mutating func termsChanged(_ change: TermSketches.Change, nowMs: UInt64) throws {
        try terms?.take(change, nowMs: nowMs)
    }

    // MARK: Questions

    /// The most viewed tweets, as estimates, and a bound for all others.
    mutating func topViews(
        _ k: Int, region: String?, window: TopWindow, nowMs: UInt64, _ rows: any Reader
    ) throws -> MergedCounters<UInt64> {
        let sketches = try views ?? ViewSketches(partition: partition, rows: rows, seed: seed, nowMs: nowMs)
        views = sketches
        return sketches.top(k, region: region, window: window, nowMs: nowMs)
    }

    /// What counted the words of the window; sketches of several partitions are merged.
    mutating func termSketches(
        in window: TopWindow, nowMs: UInt64, _ rows: any Reader
    ) throws -> [TermSketches.Sketches.Sketch] {
        let sketches = try terms ?? TermSketches(partition: partition, rows: rows, seed: seed, nowMs: nowMs)
        terms = sketches
        return sketches.sketches(in: window, nowMs: nowMs)
    }

    /// The largest `k` tweets, and a bound for all others.
    mutating func top(
        _ ranking: TweetRanking, k: Int, window: TopWindow, nowMs: UInt64, _ rows: any Reader
    ) throws -> Top<UInt64> {
        if let top = tweets[ranking]?.top(k, in: window, nowMs: nowMs) { return top }
        let all =
            ranking.region == nil
            ? try StoredCounts.world(at: partition, regions: regions, in: rows)
            : try StoredCounts.region(at: partition, in: rows)
        return Self.refill(
            &tweets[ranking], from: all.map { ($0, $1[ranking.metric]) }, k: k, window: window, nowMs: nowMs)
    }

    /// The largest `k` hashtags or users, by name.
    mutating func top(
        _ ranking: NameRanking, k: Int, window: TopWindow, nowMs: UInt64, _ rows: any Reader
    ) throws -> Top<String> {
        if let top = names[ranking]?.top(k, in: window, nowMs: nowMs) { return top }
        let all: [(String, WindowedCount)] =
            switch ranking.subject {
            case .hashtags:
                try StoredCounts.tags(at: partition, in: rows).map { ($0, try $1.uses(in: ranking.region)) }
            case .votes:
                try StoredCounts.tags(at: partition, in: rows).map { ($0, try $1.votes(in: ranking.region)) }
            case .users:
                try StoredCounts.followers(at: partition, in: rows).map { ($0.name, $0.count(in: ranking.region)) }
            }
        return Self.refill(&names[ranking], from: all, k: k, window: window, nowMs: nowMs)
    }

    /// Hashtags with fewer votes than so many others are not looked at.
    private static let trendCandidates = 100

    /// The hashtags that rise most, of those with the most votes.
    mutating func rising(
        _ trends: Trends, region: String?, limit: Int, nowMs: UInt64, _ rows: any Reader
    ) throws -> [Trend] {
        let ranking = NameRanking(subject: .votes, region: region)
        let voted = try top(ranking, k: Self.trendCandidates, window: trends.window, nowMs: nowMs, rows)
        let counts = try voted.entries.map { ($0.key, try tagRow($0.key, rows).votes(in: region)) }
        return trends.ranked(counts, limit: limit, nowMs: nowMs)
    }

    private static func refill<Key>(
        _ table: inout TopTable<Key>?, from all: [(Key, WindowedCount)], k: Int, window: TopWindow, nowMs: UInt64
    ) -> Top<Key> {
        // As large as the longest question so far needs: the next one like it finds its answer there.
        var filled = TopTable<Key>(capacity: max(table?.capacity ?? 0, TopTable<Key>.capacity(answering: k)))
        defer { table = filled }
        return filled.refill(from: all, answering: k, in: window, nowMs: nowMs)
    }
}
