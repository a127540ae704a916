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

    /// As many tweets as fit into the sketches: nothing is estimated then.
    @Test func theMostViewedAreKnownByRegionAndWindow() async throws {
        try await TestCluster.run(TestCluster.Setup(regions: ["here", "there"])) { cluster in
            let people = try await cluster.people(4)
            let client = cluster.client
            var tweets: [String] = []
            // The first is seen by three, the second by two of them, the third by one; an hour later, by another.
            for readers in (0..<3).reversed() {
                let tweet = try await client.post(Draft(text: "see"), session: people[3].session).id
                for reader in people[...readers] { _ = try await client.show(tweet, session: reader.session) }
                tweets.append("\(tweet)")
            }
            try await cluster.tellViews()
            try await cluster.atRest()
            cluster.clock.advance(hours: 1)
            let last = try #require(Id(tweets[2]))
            _ = try await client.show(last, session: people[1].session)
            try await cluster.tellViews()
            try await cluster.atRest()
            func top(_ window: TopQuery.Window, _ region: String?) async throws -> [String] {
                let query = TopQuery(.tweets, by: .views, window: window, region: region)
                let list = try await client.top(query, session: people[3].session)
                #expect(!list.exact && list.items.allSatisfy { $0.error == nil } && list.bound == 0)
                return list.items.map { "\(tweets.firstIndex(of: $0.key) ?? -1): \($0.count)" }
            }
            for isRestarted in [false, true] {
                if isRestarted { for node in cluster.nodes { try await cluster.kill(node) } }
                for node in cluster.nodes { try await cluster.restart(node) }
                #expect(try await top(.all, nil) == ["0: 3", "1: 2", "2: 2"])
                #expect(try await top(.week, "here") == ["0: 2", "1: 1", "2: 1"])
                #expect(try await top(.day, "there") == ["0: 1", "1: 1", "2: 1"])
                #expect(try await top(.hour, nil) == ["2: 1"])
                #expect(try await top(.quarter, "there") == ["2: 1"])
                #expect(try await top(.quarter, "here") == [])
                let first = try await client.top(TopQuery(.tweets, by: .views, k: 1), session: people[3].session)
                #expect(first.items.map(\.count) == [3] && first.bound == 2)
            }
        }
    }

    /// However many of the most viewed nobody may see any more, the others are listed.
    @Test func whatIsGoneOrHiddenMakesNoListShorter() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            let (client, author, reader) = (cluster.client, people[0], people[3])
            let shy = try await cluster.somebody(besides: author, inTheSamePartition: true)
            var tweets: [Id] = []
            for number in 0..<7 {
                let session = number == 2 ? shy.session : author.session
                let tweet = try await client.post(Draft(text: "see"), session: session)
                // Those that will be gone or hidden have three views each, the others fewer.
                for viewer in people[1...(number < 3 ? 3 : 2)] {
                    _ = try await client.show(tweet.id, session: viewer.session)
                }
                tweets.append(tweet.id)
            }
            try await cluster.tellViews()
            try await cluster.atRest()
            for tweet in tweets[..<2] { try await client.delete(tweet, session: author.session) }
            _ = try await client.updateProfile(ProfileChange(protected: true), session: shy.session)
            for k in [1, 2] {
                let list = try await client.top(TopQuery(.tweets, by: .views, k: k), session: reader.session)
                #expect(list.items.map(\.key) == tweets[3..<(3 + k)].map { "\($0)" } && list.bound == 2)
            }
            let all = try await client.top(TopQuery(.tweets, by: .views), session: reader.session)
            #expect(all.items.map(\.key) == tweets[3...].map { "\($0)" } && all.bound == 0)
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
