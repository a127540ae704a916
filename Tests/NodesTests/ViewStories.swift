import Client
import Cluster
import Messages
import RPC
import Testing

/// Views: what readers were shown, outside exactness but not out of hand (rule F3).
@Suite struct ViewStories {
    @Test func eachReaderOfAPageIsAViewAndTheAuthorIsNot() async throws {
        try await TestCluster.run(TestCluster.Setup(regions: ["here", "there"])) { cluster in
            let people = try await cluster.people(4)
            let client = cluster.client
            let tweet = try await client.post(Draft(text: "see"), session: people[0].session).id
            for reader in people { _ = try await client.show(tweet, session: reader.session) }
            _ = try await client.timeline(of: people[0].id, session: people[1].session)
            try await cluster.tellViews()
            try await cluster.atRest()
            let counts = try await client.counters(ofTweet: tweet, session: people[0].session)
            #expect(counts.world.views == 4)
            #expect(counts.regions.mapValues(\.views) == ["here": 1, "there": 3])
            // Told once, and not again.
            try await cluster.tellViews()
            try await cluster.atRest()
            #expect(try await client.counters(ofTweet: tweet, session: people[0].session).world.views == 4)
        }
    }

    /// A client whose answers are lost asks again under the same request id.
    @Test func aRequestThatIsRepeatedIsOneView() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(2)
            let tweet = try await cluster.client.post(Draft(text: "see"), session: people[0].session).id
            let home = try #require(cluster.map.owner(of: people[1].id.partition)?.id)
            var options = CallOptions(session: people[1].session.token)
            let key = cluster.requestId()
            options.key = IdempotencyKey(high: key.timeMs, low: key.random)
            let request = TweetRequest.with { $0.id = tweet.rawValue }.encode()
            for _ in 0..<3 { _ = try await cluster.call(home, "rookery.Tweets/Show", request, options) }
            try await cluster.tellViews()
            try await cluster.atRest()
            #expect(try await cluster.client.counters(ofTweet: tweet).world.views == 1)
        }
    }
}
