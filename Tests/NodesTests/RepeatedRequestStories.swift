import Client
import Cluster
import Synchronization
import Testing

/// P4: a request that is made again because its answer was lost does nothing twice.
@Suite struct RepeatedRequestStories {
    @Test func aThousandReactionsWhoseAnswersAreLostOnce() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let people = try await cluster.people(20)
            let tweets = try await Self.tweets(3, by: people[0], cluster)
            let runs = try await withThrowingTaskGroup(of: (model: Model, cuts: Int).self) { group in
                for person in people {
                    group.addTask {
                        let line = BrokenLine()
                        let client = cluster.client(line.judge)
                        let model = try await Self.react(person, 50, to: tweets, with: client, cluster)
                        await client.close()
                        return (model, line.cuts)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(runs.reduce(0) { $0 + $1.cuts } >= 1000, "each answer was lost once")
            try await cluster.atRest()
            var whole = Model(people)
            for run in runs { whole.reactions.merge(run.model.reactions) { first, _ in first } }
            for tweet in tweets {
                let shown = try await cluster.client.counters(ofTweet: tweet)
                #expect(shown.world == whole.counts(ofTweet: tweet))
            }
        }
    }

    private static func tweets(_ count: Int, by author: Person, _ cluster: TestCluster) async throws -> [Id] {
        var tweets: [Id] = []
        for number in 0..<count {
            let draft = Draft(text: "tweet \(number)")
            tweets.append(try await cluster.client.post(draft, session: author.session).id)
        }
        return tweets
    }

    private static func react(
        _ person: Person, _ times: Int, to tweets: [Id], with client: RookeryClient, _ cluster: TestCluster
    ) async throws -> Model {
        var model = Model([person])
        for _ in 0..<times {
            let tweet = tweets[cluster.dice.roll(0..<tweets.count)]
            let kind = cluster.dice.percent(75) ? ReactionKind.like : .dislike
            let undo = cluster.dice.percent(40)
            let answer = try await cluster.persist {
                try await client.react(kind, to: tweet, undo: undo, session: person.session, key: $0)
            }
            model.reacted(kind, to: tweet, undo: undo, by: person.id)
            let expected = model.reactions[Model.Pair(user: person.id, of: tweet)]
            #expect(answer.reaction == (expected.map { $0 == .like ? "like" : "dislike" } ?? "none"))
        }
        return model
    }

    /// Posts and follows, too: the second answer is the first.
    @Test func theSameRequestGetsTheSameAnswer() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            let keys = (0..<5).map { _ in cluster.requestId() }
            func post() async throws -> Id {
                try await client.post(Draft(text: "once"), session: alice.session, key: keys[0]).id
            }
            let tweet = try await post()
            #expect(try await post() == tweet)
            for _ in 0..<3 {
                #expect(try await client.follow(bob.id, session: alice.session, key: keys[1]).state == "accepted")
                let retweet = try await client.retweet(tweet, session: bob.session, key: keys[2])
                #expect(retweet?.retweetOf == tweet)
            }
            // A repeated follow says what it said, and does not follow again.
            _ = try await client.follow(bob.id, undo: true, session: alice.session, key: keys[3])
            #expect(try await client.follow(bob.id, session: alice.session, key: keys[1]).state == "accepted")
            for _ in 0..<2 { try await client.delete(tweet, session: alice.session, key: keys[4]) }
            // The retweet was made; that its original is gone now does not unmake it.
            #expect(try await client.retweet(tweet, session: bob.session, key: keys[2])?.retweetOf == tweet)
            try await cluster.atRest()
            #expect(try await client.profile(of: alice.id).counts.tweets == 0)
            #expect(try await client.profile(of: bob.id).counts == cluster.counts(followers: 0, tweets: 1))
            #expect(try await client.home(session: bob.session).tweets.isEmpty)
        }
    }

    /// A request id is a secret of nobody: who uses another's, or uses one's own for something else, gets an answer
    /// of one's own (rule B3).
    @Test func requestIdsOfSomebodyElse() async throws {
        try await TestCluster.run { cluster in
            let client = cluster.client
            let alice = try await cluster.register("alice")
            let bob = try await cluster.somebody(besides: alice, inTheSamePartition: true)
            let key = cluster.requestId()
            let hers = try await client.post(Draft(text: "hers"), session: alice.session, key: key)
            let his = try await client.post(Draft(text: "his"), session: bob.session, key: key)
            #expect(his.text == "his" && his.author == bob.name && his.id != hers.id)
            #expect(try await client.follow(bob.id, session: alice.session, key: key).state == "accepted")
            #expect(try await client.react(.like, to: his.id, session: alice.session, key: key).reaction == "like")
            #expect(try await client.timeline(of: bob.id).tweets.map(\.id) == [his.id])
        }
    }

    /// Who has seen the request id of a registration gets no session with it.
    @Test func registrationsOfSomebodyElse() async throws {
        try await TestCluster.run { cluster in
            let client = cluster.client
            let key = cluster.requestId()
            func register(_ name: String, _ password: String) async throws -> Session {
                try await client.register(name: name, secret: .password(password), key: key)
            }
            let first = try await register("alice", "long enough")
            #expect(try await register("ALICE", "long enough").userId == first.userId)
            let thief = await #expect(throws: RookeryError.self) { _ = try await register("alice", "a good guess") }
            #expect(thief?.status == .unauthenticated)
            #expect(thief?.message == "this request id belongs to a registration with another password")
            let other = await #expect(throws: RookeryError.self) { _ = try await register("bob", "long enough") }
            #expect(other?.status == .invalidArgument)
            #expect(other?.message == "this request id belongs to another registration")
        }
    }
}

/// Lets every request through, and breaks the connection at every other answer.
private final class BrokenLine: Sendable {
    private let answers = Atomic<Int>(0)

    var cuts: Int { (answers.load(ordering: .relaxed) + 1) / 2 }

    @Sendable func judge(_ direction: ProxyTransport.Direction, _ chunk: Int) -> ProxyTransport.Verdict {
        guard direction == .incoming, chunk > 0 else { return .pass }
        return answers.add(1, ordering: .relaxed).oldValue.isMultiple(of: 2) ? .cut : .pass
    }
}

extension TestCluster {
    func counts(followers: UInt64 = 0, following: UInt64 = 0, tweets: UInt64 = 0) -> UserCounts {
        var counts = UserCounts()
        counts.followers = followers
        counts.following = following
        counts.tweets = tweets
        return counts
    }
}
