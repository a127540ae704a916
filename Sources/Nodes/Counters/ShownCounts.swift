import Cluster
import Messages
import Storage

/// What a reader is shown of a tweet's counts while sums travel (rule F2):
/// region = region's home − its share of my partition + my partition's own sum,
/// world = world − its share of my region + that region.
/// Each pair is read at one moment, so nobody sees a like doubled or taken back.
/// A node that is away takes none of the tweets away that others hold: then its sums are shown as they were last sent.
struct ShownCounts: Sendable {
    /// By region, the reader's own corrected.
    private var sums: [String: Sums]
    /// Outside exactness (rule F3): as the tweet's own partition knows them.
    private let views: [String: UInt64]

    /// By region, and where readers were shown the tweet.
    var regions: [String: TweetCounts] {
        let names = Set(sums.keys).union(views.keys)
        return Dictionary(
            uniqueKeysWithValues: names.map { ($0, TweetCounts(sums[$0] ?? Sums(), views: views[$0] ?? 0)) })
    }

    var world: TweetCounts {
        TweetCounts(sums.values.reduce(Sums(), +), views: views.values.reduce(0, &+))
    }

    /// - Parameter world: the regions' shares as the tweet's own partition knows them.
    init(world: [RegionSumRow]) {
        sums = Dictionary(
            world.compactMap { row in row.sums.map { (row.region, $0) } }, uniquingKeysWith: { $1 })
        views = Dictionary(world.map { ($0.region, $0.views) }, uniquingKeysWith: { $1 })
    }

    /// While the region's home is not available: what the tweet's own partition last heard, and no less than the
    /// reader's partition has counted itself. It may be less than was shown before; rule F2 does not hold meanwhile.
    mutating func raise(region: String, own: Sums) {
        let known = sums[region] ?? Sums()
        sums[region] = Sums.max(known, own)
    }

    mutating func correct(region: String, sum: PeerSum, own: Sums) {
        sums[region] = (sum.region ?? Sums()) - (sum.share ?? Sums()) + own
    }
}

extension NodeContext {
    /// The counts of tweets as a reader in `partition` sees them; without a reader, as the tweets' homes know them.
    func shownCounts(
        of tweets: [PeerTweet], for reader: PartitionId?, _ context: CallContext
    ) async throws -> [UInt64: ShownCounts] {
        var shown = Dictionary(
            tweets.map { ($0.id, ShownCounts(world: $0.regions)) }, uniquingKeysWith: { first, _ in first })
        guard let reader, !tweets.isEmpty else { return shown }
        let ids = shown.keys.sorted().map { Id(rawValue: $0) }
        let region = region(of: reader)
        let own = try await owned(reader).read { rows in
            try ids.map { try SumReading.sums(under: Rows.partitionSum(of: $0, in: reader), in: rows) }
        }
        let ownSums = Dictionary(zip(ids.map(\.rawValue), own), uniquingKeysWith: { first, _ in first })
        let partitioning = partitioning
        let replies = try await scatter(
            ids, at: { partitioning.regionHome(of: $0, region: region) }, .sums, context, evenIncomplete: true
        ) { ids in
            .with {
                $0.source = UInt32(reader.rawValue)
                $0.ids = ids.map(\.rawValue)
            }
        }
        for (id, own) in ownSums { shown[id]?.raise(region: region.name, own: own) }
        for sum in replies.flatMap(\.sums) {
            shown[sum.id]?.correct(region: region.name, sum: sum, own: ownSums[sum.id] ?? Sums())
        }
        return shown
    }
}
