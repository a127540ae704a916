import Client
import Cluster
import Testing

/// One account on many devices at once: each thing is done at most once (F4, F6, F7; rule B2).
@Suite struct ManyDeviceStories {
    private static func atOnce(_ times: Int, _ request: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<times { group.addTask { try await request(number) } }
            try await group.waitForAll()
        }
    }

    @Test func likesFollowsAndRetweetsByOneAccountAtOnce() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            let tweet = try await client.post(Draft(text: "x"), session: bob.session).id
            try await Self.atOnce(30) { _ in
                let answer = try await client.react(.like, to: tweet, session: alice.session)
                #expect(answer.world.likes == 1)
            }
            try await Self.atOnce(30) { _ in _ = try await client.follow(bob.id, session: alice.session) }
            try await Self.atOnce(30) { _ in _ = try await client.retweet(tweet, session: alice.session) }
            try await cluster.atRest()
            let counts = try await client.counters(ofTweet: tweet).world
            #expect(counts.likes == 1 && counts.retweets == 1)
            #expect(try await client.profile(of: bob.id).counts == cluster.counts(followers: 1, tweets: 1))
            #expect(try await client.profile(of: alice.id).counts == cluster.counts(following: 1, tweets: 1))
            #expect(try await client.timeline(of: alice.id).tweets.count == 1)

            try await Self.atOnce(30) { _ in
                _ = try await client.follow(bob.id, undo: true, session: alice.session)
            }
            try await Self.atOnce(30) { _ in
                _ = try await client.retweet(tweet, undo: true, session: alice.session)
            }
            try await cluster.atRest()
            #expect(try await client.profile(of: bob.id).counts == cluster.counts(tweets: 1))
            #expect(try await client.profile(of: alice.id).counts == cluster.counts())
            #expect(try await client.counters(ofTweet: tweet).world.retweets == 0)
        }
    }

    @Test func reactionsThatTakeEachOtherBackAtOnce() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let alice = try await cluster.register("alice")
            let client = cluster.client
            for _ in 0..<5 {
                let tweet = try await client.post(Draft(text: "x"), session: alice.session).id
                try await Self.atOnce(40) { _ in
                    let (kind, undo) = (
                        cluster.dice.percent(50) ? ReactionKind.like : .dislike, cluster.dice.percent(40)
                    )
                    _ = try await client.react(kind, to: tweet, undo: undo, session: alice.session)
                }
                // Whatever came last, it is one reaction, and the counts say which.
                let last = try await client.react(.like, to: tweet, undo: true, session: alice.session)
                try await cluster.atRest()
                let counts = try await client.counters(ofTweet: tweet).world
                #expect(counts.likes == 0)
                #expect(counts.dislikes == (last.reaction == "dislike" ? 1 : 0))
            }
        }
    }

    @Test func theSameRequestArrivesManyTimesAtOnce() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            let (first, second, third) = (cluster.requestId(), cluster.requestId(), cluster.requestId())
            try await Self.atOnce(20) { _ in
                _ = try await client.post(Draft(text: "once"), session: alice.session, key: first)
            }
            let tweet = try #require(try await client.timeline(of: alice.id).tweets.first?.id)
            try await Self.atOnce(20) { _ in
                _ = try await client.retweet(tweet, session: bob.session, key: second)
            }
            try await Self.atOnce(20) { _ in
                _ = try await client.register(
                    name: "carol", secret: .random([UInt8](repeating: 1, count: 32)), key: third)
            }
            try await cluster.atRest()
            #expect(try await client.timeline(of: alice.id).tweets.count == 1)
            #expect(try await client.counters(ofTweet: tweet).world.retweets == 1)
            #expect(try await client.resolve("carol").name == "carol")
        }
    }
}
