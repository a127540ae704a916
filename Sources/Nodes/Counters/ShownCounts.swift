import Messages

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

/// What is known of tweets' counts near a reader. It is asked for by the tweets' ids alone, and so while the tweets
/// themselves are being read: the parts of rule F2 are each read at one moment, but need not be at the same.
struct NearCounts: Sendable {
    let region: String
    /// Counted by the reader's own partition; there for each tweet that was asked for.
    var own: [UInt64: Sums] = [:]
    /// What the region's homes know; not of those that are away.
    var homes: [UInt64: PeerSum] = [:]
}

extension ShownCounts {
    /// - Parameter near: nil, or not of this tweet, without a reader: then as the tweet's home knows them.
    init(_ tweet: PeerTweet, _ near: NearCounts?) {
        self.init(world: tweet.regions)
        guard let near, let own = near.own[tweet.id] else { return }
        raise(region: near.region, own: own)
        if let sum = near.homes[tweet.id] { correct(region: near.region, sum: sum, own: own) }
    }
}
