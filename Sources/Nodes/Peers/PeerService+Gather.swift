import Cluster
import Messages
import RPC
import Replication
import Storage

extension PeerService {
    /// What a page needs of this node, in one visit to the storage threads: tweets with what the viewer may see of them,
    /// and the sums that correct their counts for the reader (rule F2: what belongs together is read at one moment).
    func gather(_ request: PeerGatherRequest, _ context: CallContext) async throws -> PeerGatherReply {
        if !request.tweets.isEmpty { try await node.catchUp(context) }
        let tweets = try bounded(request.tweets).map { Id(rawValue: $0) }
        let own = try bounded(request.own).map { Id(rawValue: $0) }
        let counted = try places(of: try bounded(request.counted), for: request)
        let source = PartitionId(UInt16(truncatingIfNeeded: request.source))
        let (viewer, regions) = (request.viewer, node.regionNames)
        let read = try await read(
            tweets.map(\.partition) + counted.map(\.home) + (own.isEmpty ? [] : [source])
        ) { rows in
            try PeerGatherReply.with {
                $0.tweets = try Self.tweets(tweets, viewer: viewer, regions: regions, in: rows)
                $0.sums = try Self.sums(counted, source: source, in: rows)
                $0.own = try SumReading.sums(under: own.map { Rows.partitionSum(of: $0, in: source) }, in: rows)
            }
        }
        return read ?? PeerGatherReply()
    }

    private struct Counted: Sendable {
        var tweet: Id
        /// Where the tweet's sums of the reader's region lie.
        var home: PartitionId
    }

    private func places(of counted: [UInt64], for request: PeerGatherRequest) throws -> [Counted] {
        guard !counted.isEmpty else { return [] }
        guard let source = UInt16(exactly: request.source), node.partitioning.contains(PartitionId(source)) else {
            throw Refusal(.invalidArgument, "this cluster has no partition \(request.source)")
        }
        let region = node.region(of: PartitionId(source))
        return counted.map { raw in
            let tweet = Id(rawValue: raw)
            return Counted(tweet: tweet, home: node.partitioning.regionHome(of: tweet, region: region))
        }
    }

    private static func tweets(
        _ ids: [Id], viewer: UInt64, regions: [String], in rows: any Reader
    ) throws -> [PeerTweet] {
        let shares = try SumReading.worldShares(of: ids, regions: regions, in: rows)
        return try zip(ids, zip(rows.multiGet(.tweets, ids.map(Rows.tweet)), shares)).map { id, found in
            try tweet(id, row: found.0, shares: found.1, viewer: viewer, in: rows)
        }
    }

    private static func tweet(
        _ id: Id, row bytes: [UInt8]?, shares: [RegionSumRow], viewer: UInt64, in rows: any Reader
    ) throws -> PeerTweet {
        var found = PeerTweet.with { $0.id = id.rawValue }
        guard let bytes else { return found }
        let row = try TweetRow.decode(bytes)
        found.row = bytes
        if row.deleted { return found }
        let audience = Audience(viewer: viewer, rows: rows)
        found.authorProtected = try audience.isProtected(Id(rawValue: row.authorId))
        found.hidden = try !audience.mayRead(row)
        found.regions = shares
        return found
    }

    private static func sums(_ counted: [Counted], source: PartitionId, in rows: any Reader) throws -> [PeerSum] {
        let totals = try SumReading.sums(
            under: counted.map { Rows.regionSum(of: $0.tweet, in: $0.home) }, in: rows)
        let shares = try rows.multiGet(
            .sums, counted.map { Rows.share(of: source, in: $0.tweet, at: $0.home) })
        return try counted.indices.map { place in
            try PeerSum.with {
                $0.id = counted[place].tweet.rawValue
                $0.region = totals[place]
                $0.share = try shares[place].flatMap { try SumRow.decode($0).sums } ?? Sums()
            }
        }
    }
}
