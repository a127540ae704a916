import Client
import Cluster
import Messages
import RPC
import Testing

/// Bad input never hurts (N7): one status, one sentence, and nothing has changed (P10).
@Suite struct WrongInputStories {
    /// A small world: alice is public, bob protected and followed by alice, carol is a stranger to both.
    struct World {
        let cluster: TestCluster
        let alice: Person
        let bob: Person
        let carol: Person
        let open: Id
        let hidden: Id

        init(_ cluster: TestCluster) async throws {
            self.cluster = cluster
            let client = cluster.client
            alice = try await cluster.register("alice")
            bob = try await cluster.register("bob")
            carol = try await cluster.register("carol")
            _ = try await client.follow(bob.id, session: alice.session)
            try await cluster.atRest()
            _ = try await client.updateProfile(ProfileChange(protected: true), session: bob.session)
            open = try await client.post(Draft(text: "for all"), session: alice.session).id
            hidden = try await client.post(Draft(text: "for friends"), session: bob.session).id
            try await cluster.atRest()
        }

        /// Refused like this, and as if it had never come.
        func refused(
            _ status: RookeryError.Status, _ sentence: String, sourceLocation: SourceLocation = #_sourceLocation,
            _ call: () async throws -> Void
        ) async throws {
            let before = try cluster.products()
            let error = await #expect(throws: RookeryError.self, sourceLocation: sourceLocation) { try await call() }
            #expect(error?.status == status, "\(error?.message ?? "")", sourceLocation: sourceLocation)
            #expect(error?.message == sentence, sourceLocation: sourceLocation)
            try await cluster.atRest()
            #expect(try cluster.products() == before, "it left something behind", sourceLocation: sourceLocation)
        }
    }

    @Test func textsThatAreNoTweets() async throws {
        try await TestCluster.run { cluster in
            let world = try await World(cluster)
            let (client, session) = (cluster.client, world.alice.session)
            func refused(_ text: String, _ sentence: String) async throws {
                try await world.refused(.invalidArgument, sentence) {
                    _ = try await client.post(Draft(text: text), session: session)
                }
            }
            try await refused(
                String(repeating: "x", count: 281), "the text is too long: it weighs 281, and 280 is the limit")
            try await refused(
                String(repeating: "語", count: 141), "the text is too long: it weighs 282, and 280 is the limit")
            try await refused(
                String(repeating: "x", count: 20_000), "the text is too long: 20000 bytes are more than any tweet has")
            try await refused("", "a tweet needs a text")
            try await refused(" \n\t ", "a tweet needs a text")
            try await world.refused(.invalidArgument, "a place has at most 100 characters") {
                let draft = Draft(text: "x", place: String(repeating: "p", count: 101))
                _ = try await client.post(draft, session: session)
            }
            // One character, and more bytes than a hundred need.
            try await world.refused(.invalidArgument, "a place has at most 100 characters") {
                let draft = Draft(text: "x", place: "p" + String(repeating: "\u{301}", count: 512))
                _ = try await client.post(draft, session: session)
            }
        }
    }

    @Test func thingsThatAreNotThere() async throws {
        try await TestCluster.run { cluster in
            let world = try await World(cluster)
            let (client, session) = (cluster.client, world.alice.session)
            let nobody = Id(unixMs: cluster.clock.nowMs(), partition: world.bob.id.partition, sequence: 255)
            let noTweet = "there is no tweet \(nobody)"
            let noUser = "there is no user \(nobody)"
            try await world.refused(.notFound, noTweet) { _ = try await client.show(nobody) }
            try await world.refused(.notFound, noTweet) { _ = try await client.show(nobody, session: session) }
            try await world.refused(.notFound, noTweet) { _ = try await client.thread(nobody) }
            try await world.refused(.notFound, noTweet) { _ = try await client.counters(ofTweet: nobody) }
            try await world.refused(.notFound, noTweet) {
                _ = try await client.react(.like, to: nobody, session: session)
            }
            try await world.refused(.notFound, noTweet) { _ = try await client.retweet(nobody, session: session) }
            try await world.refused(.notFound, noTweet) { try await client.delete(nobody, session: session) }
            try await world.refused(.notFound, noTweet) {
                _ = try await client.post(Draft(text: "x", inReplyTo: nobody), session: session)
            }
            try await world.refused(.notFound, noTweet) {
                _ = try await client.post(Draft(text: "x", quoteOf: nobody), session: session)
            }
            try await world.refused(.notFound, noUser) { _ = try await client.follow(nobody, session: session) }
            try await world.refused(.notFound, noUser) { _ = try await client.profile(of: nobody) }
            try await world.refused(.notFound, noUser) { _ = try await client.timeline(of: nobody) }
            try await world.refused(.notFound, noUser) { _ = try await client.followers(of: nobody) }
            try await world.refused(.notFound, noUser) { _ = try await client.counters(ofUser: nobody) }
            try await world.refused(.notFound, "there is no user @nobody") { _ = try await client.resolve("nobody") }
        }
    }

    @Test func whatIsGone() async throws {
        try await TestCluster.run { cluster in
            let world = try await World(cluster)
            let (client, session) = (cluster.client, world.alice.session)
            try await client.delete(world.open, session: session)
            try await cluster.atRest()
            let sentence = "tweet \(world.open) was deleted"
            func refused(_ call: () async throws -> Void) async throws {
                try await world.refused(.notFound, sentence, call)
            }
            for person in [world.alice, world.bob] {
                try await refused { try await client.delete(world.open, session: person.session) }
                try await refused { _ = try await client.show(world.open, session: person.session) }
                try await refused { _ = try await client.react(.like, to: world.open, session: person.session) }
                try await refused { _ = try await client.retweet(world.open, session: person.session) }
                try await refused { _ = try await client.counters(ofTweet: world.open, session: person.session) }
                try await refused {
                    _ = try await client.post(Draft(text: "x", inReplyTo: world.open), session: person.session)
                }
            }
        }
    }

    @Test func whatIsNotOnesOwn() async throws {
        try await TestCluster.run { cluster in
            let world = try await World(cluster)
            let client = cluster.client
            // Whether the tweet lies in the caller's own partition or in another: two checks.
            for neighbour in [true, false] {
                let stranger = try await cluster.somebody(besides: world.alice, inTheSamePartition: neighbour)
                try await world.refused(
                    .permissionDenied, "tweet \(world.open) is @alice's: only its author can delete it"
                ) { try await client.delete(world.open, session: stranger.session) }
            }
            try await world.refused(.invalidArgument, "you cannot follow yourself") {
                _ = try await client.follow(world.alice.id, session: world.alice.session)
            }
            try await world.refused(.notFound, "this account has not asked to follow you") {
                try await client.answerRequest(of: world.carol.id, accept: true, session: world.bob.session)
            }
            try await world.refused(.alreadyExists, "the name @ALICE is taken") {
                _ = try await client.register(name: "ALICE", secret: .password("long enough"))
            }
        }
    }

    @Test func protectedTweetsAreForFollowers() async throws {
        try await TestCluster.run { cluster in
            let world = try await World(cluster)
            let (client, stranger) = (cluster.client, world.carol.session)
            let sentence = "this tweet is protected: only @bob's followers can read it"
            func refused(_ call: () async throws -> Void) async throws {
                try await world.refused(.permissionDenied, sentence, call)
            }
            for session in [stranger, nil] {
                try await refused { _ = try await client.show(world.hidden, session: session) }
                try await refused { _ = try await client.thread(world.hidden, session: session) }
                try await refused { _ = try await client.counters(ofTweet: world.hidden, session: session) }
                #expect(try await client.timeline(of: world.bob.id, session: session).tweets.isEmpty)
            }
            try await refused { _ = try await client.react(.like, to: world.hidden, session: stranger) }
            try await refused { _ = try await client.retweet(world.hidden, session: stranger) }
            try await refused {
                _ = try await client.post(Draft(text: "x", quoteOf: world.hidden), session: stranger)
            }
            try await refused {
                _ = try await client.post(Draft(text: "x", inReplyTo: world.hidden), session: stranger)
            }
            try await world.refused(.permissionDenied, "@bob is protected: only their followers see this list") {
                _ = try await client.followers(of: world.bob.id, session: stranger)
            }
            // A follower reads, likes and answers; to share is for public tweets only.
            let friend = world.alice.session
            #expect(try await client.show(world.hidden, session: friend).text == "for friends")
            #expect(try await client.home(session: friend).tweets.map(\.id).contains(world.hidden))
            #expect(try await client.timeline(of: world.bob.id, session: friend).tweets.map(\.id) == [world.hidden])
            try await world.refused(
                .permissionDenied, "tweet \(world.hidden) is protected: only public tweets can be shared"
            ) { _ = try await client.retweet(world.hidden, session: friend) }
            #expect(try await client.react(.like, to: world.hidden, session: friend).world.likes == 1)
        }
    }

    @Test func sessionsThatProveNothing() async throws {
        try await TestCluster.run { cluster in
            let world = try await World(cluster)
            let client = cluster.client
            let revoked = try await client.login(name: "alice", secret: .random([UInt8](repeating: 1, count: 32)))
            try await client.logout(revoked)
            try await world.refused(.unauthenticated, "your session was revoked: log in again") {
                _ = try await client.post(Draft(text: "x"), session: revoked)
            }
            var record = world.alice.session.record
            record.token[record.token.count - 1] ^= 1
            let forged = Session(record)
            try await world.refused(.unauthenticated, "this is no session of this cluster: log in again") {
                _ = try await client.post(Draft(text: "x"), session: forged)
            }
            record.token = []
            let missing = Session(record)
            try await world.refused(.unauthenticated, "this needs a session: log in first") {
                _ = try await client.post(Draft(text: "x"), session: missing)
            }
            cluster.clock.advance(hours: 24 * 30)
            try await world.refused(.unauthenticated, "your session has expired: log in again") {
                _ = try await client.post(Draft(text: "x"), session: world.alice.session)
            }
        }
    }
}
