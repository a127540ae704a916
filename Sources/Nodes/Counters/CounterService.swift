import Cluster
import Messages
import RPC

/// Counter reads, world and by region: F13.
struct CounterService: Sendable {
    let node: NodeContext

    func read(_ request: CounterRequest, _ context: CallContext) async throws -> CounterReply {
        try await node.catchUp(context)
        switch (request.tweetId, request.userId) {
        case (0, 0): throw Refusal(.invalidArgument, "name a tweet or a user")
        case (let tweet, 0): return try await tweetCounts(tweet, context)
        case (0, let user): return try await userCounts(try node.userId(user), request, context)
        default: throw Refusal(.invalidArgument, "name a tweet or a user, not both")
        }
    }

    private func tweetCounts(_ raw: UInt64, _ context: CallContext) async throws -> CounterReply {
        let viewer = try await node.viewer(context).id
        let id = try node.tweetId(raw)
        let gathered = try await node.gather(
            Gathering(viewer: viewer, tweets: [id], reader: viewer?.partition, counted: [id]), context)
        guard let found = gathered.tweets[raw], !found.row.isEmpty else { throw Refusal.noSuchTweet(raw) }
        let row = try TweetRow.decode(found.row)
        if row.deleted { throw Refusal.deletedTweet(raw) }
        if found.hidden { throw Refusal.protectedTweet(of: row.author) }
        if row.retweetOf != 0 { return try await tweetCounts(row.retweetOf, context) }
        let shown = ShownCounts(found, gathered.near)
        return .with {
            $0.world = shown.world
            $0.regions = shown.regions.sorted { $0.key < $1.key }.map { region, counts in
                .with {
                    $0.region = region
                    $0.counts = counts
                }
            }
        }
    }

    private func userCounts(
        _ user: Id, _ request: CounterRequest, _ context: CallContext
    ) async throws -> CounterReply {
        try await node.atHome(of: user, "rookery.Counters/Read", request, context) { partition, _ in
            let regions = try await partition.read { rows in
                guard let row = try rows.message(UserRow.self, .users, Rows.user(user)), row.state == .userActive else {
                    throw Refusal.noSuchUser(user.rawValue)
                }
                return try UserCountReading.byRegion(user, in: rows)
            }
            return .with {
                $0.userWorld = UserCountReading.world(regions)
                $0.userRegions = regions
            }
        }
    }
}
