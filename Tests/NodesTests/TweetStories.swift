import Client
import Cluster
import Testing

/// Likes, threads, retweets and quotes: F4 to F6.
@Suite struct TweetStories {
    @Test func aLikeTakesADislikeBackAndTheOtherWayRound() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let client = cluster.client
            let tweet = try await client.post(Draft(text: "x"), session: alice.session).id
            func react(_ kind: ReactionKind, undo: Bool = false) async throws -> [String] {
                let answer = try await client.react(kind, to: tweet, undo: undo, session: alice.session)
                // N5: the liker sees it in the answer, in the world as in the region.
                #expect(answer.regions["local"] == answer.world)
                return [answer.reaction, "\(answer.world.likes)", "\(answer.world.dislikes)"]
            }
            #expect(try await react(.like) == ["like", "1", "0"])
            #expect(try await react(.like) == ["like", "1", "0"])
            #expect(try await react(.dislike) == ["dislike", "0", "1"])
            // Undoing the like takes no dislike back.
            #expect(try await react(.like, undo: true) == ["dislike", "0", "1"])
            #expect(try await react(.like) == ["like", "1", "0"])
            #expect(try await react(.like, undo: true) == ["none", "0", "0"])
            try await cluster.atRest()
            #expect(try await client.counters(ofTweet: tweet).world == TweetCounts())
        }
    }

    /// Also when each is alone in its log entry; the index writes none.
    @Test func aPostWritesFiveRows() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            for text in ["the first", "the second, of several words", "a third: example.com/page"] {
                try await cluster.atRest()
                let before = try cluster.rows()
                _ = try await cluster.client.post(Draft(text: text), session: alice.session)
                try await cluster.atRest()
                let changed = try cluster.rows().subtracting(before)
                let families = changed.map { $0.split(separator: " ")[0] }.sorted()
                #expect(families == ["authors", "counts", "log", "requests", "tweets"])
            }
        }
    }

    @Test func aThreadKeepsItsShapeWhenPartsOfItAreDeleted() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            let root = try await client.post(Draft(text: "root"), session: alice.session).id
            let first = try await client.post(Draft(text: "first", inReplyTo: root), session: bob.session).id
            let second = try await client.post(Draft(text: "second", inReplyTo: first), session: alice.session).id
            try await cluster.atRest()
            #expect(try await client.counters(ofTweet: root).world.replies == 1, "only direct replies are counted")
            try await client.delete(first, session: bob.session)
            try await cluster.atRest()
            for named in [root, first, second] {
                let thread = try await client.thread(named)
                #expect(thread.tweets.map(\.id) == [root, first, second])
                #expect(thread.tweets.map(\.deleted) == [false, true, false])
                #expect(thread.tweets.map(\.text) == ["root", "", "second"])
            }
            #expect(try await client.counters(ofTweet: root).world.replies == 0)
            try await client.delete(root, session: alice.session)
            #expect(try await client.thread(second).tweets.map(\.deleted) == [true, true, false])
            let error = await #expect(throws: RookeryError.self) {
                try await client.post(Draft(text: "late", inReplyTo: root), session: bob.session)
            }
            #expect(error?.message == "tweet \(root) was deleted")
        }
    }

    @Test func retweetsAreFoldedAndTakenBack() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            let (author, first, second, reader) = (people[0], people[1], people[2], people[3])
            let client = cluster.client
            let tweet = try await client.post(Draft(text: "good"), session: author.session).id
            for person in people.dropLast() { _ = try await client.follow(person.id, session: reader.session) }
            let one = try await client.retweet(tweet, session: first.session)
            let two = try await client.retweet(tweet, session: second.session)
            // Rule E1: one entry, the newest, which names both.
            let page = try await client.home(session: reader.session)
            #expect(page.tweets.map(\.id) == [two?.id])
            #expect(page.tweets.map(\.retweetOf) == [tweet])
            #expect(page.tweets.map(\.retweeters) == [[second.name, first.name]])
            #expect(page.tweets.map(\.text) == ["good"])
            // Named by the retweet or by the original.
            _ = try await client.retweet(try #require(one?.id), undo: true, session: first.session)
            _ = try await client.retweet(tweet, undo: true, session: second.session)
            try await cluster.atRest()
            let after = try await client.home(session: reader.session)
            #expect(after.tweets.map(\.id) == [tweet])
            #expect(try await client.counters(ofTweet: tweet).world.retweets == 0)
            #expect(try await client.profile(of: first.id).counts.tweets == 0)
            // And again, with a new id.
            let again = try await client.retweet(tweet, session: first.session)
            #expect(again?.id != one?.id)
        }
    }

    @Test func aQuoteIsATweetAndARetweetOfARetweetIsOneOfItsOriginal() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            let tweet = try await client.post(Draft(text: "said"), session: alice.session).id
            let quote = try await client.post(Draft(text: "see", quoteOf: tweet), session: bob.session)
            #expect(quote.quoteOf == tweet)
            let retweet = try #require(try await client.retweet(tweet, session: bob.session))
            let second = try await client.retweet(retweet.id, session: alice.session)
            #expect(second?.retweetOf == tweet)
            // A like of a retweet is one of its original.
            _ = try await client.react(.like, to: retweet.id, session: alice.session)
            try await cluster.atRest()
            let counts = try await client.counters(ofTweet: tweet).world
            #expect(counts.retweets == 2 && counts.likes == 1)
            let error = await #expect(throws: RookeryError.self) {
                try await client.post(Draft(text: "to whom", inReplyTo: retweet.id), session: alice.session)
            }
            #expect(error?.message == "\(retweet.id) is a retweet: reply to tweet \(tweet)")
            // What is quoted or retweeted may go; the quote stays, the retweet has nothing to show.
            try await client.delete(tweet, session: alice.session)
            #expect(try await client.timeline(of: bob.id).tweets.map(\.id) == [quote.id])
            try await client.delete(quote.id, session: bob.session)
            #expect(try await client.timeline(of: bob.id).tweets.isEmpty)
        }
    }

    /// Found when a retweet or a like met a delete: it was carried out, and said that it was not (rule B6).
    @Test func whatIsRefusedWhileATweetGoesHasLeftNothingBehind() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            var made: UInt64 = 0
            for number in 0..<60 {
                let tweet = try await client.post(Draft(text: "\(number)"), session: alice.session).id
                async let delete: Void = client.delete(tweet, session: alice.session)
                do {
                    for _ in 0..<cluster.dice.roll(0..<6) { await Task.yield() }
                    _ = try await client.retweet(tweet, session: bob.session)
                    made += 1
                } catch let error as RookeryError {
                    #expect(error.status == .notFound)
                }
                try await delete
            }
            #expect(try await client.profile(of: bob.id).counts.tweets == made)
        }
    }
}
