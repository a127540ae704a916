import Client
import Cluster
import Messages
import RPC
import Testing

/// Ids only grow (P2), and what was written is read back byte by byte.
@Suite struct IdentityStories {
    @Test func idsGrowWhileTheClockJumpsAndNodesDie() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let alice = try await cluster.register("alice")
            let home = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            var last = Id(rawValue: 0)
            for number in 0..<120 {
                // Back by less than ids may run ahead (rule A2), forward by anything; never 1 s behind the ids.
                let jump = cluster.dice.percent(50) ? -Int64(cluster.dice.roll(0..<400)) : 450
                cluster.clock.advance(ms: jump)
                if number % 20 == 10 { cluster.crash(home) }
                let tweet = try await cluster.persist {
                    try await cluster.client.post(Draft(text: "\(number)"), session: alice.session, key: $0)
                }
                #expect(tweet.id > last)
                last = tweet.id
            }
        }
    }

    @Test func aClockThatWasSetFarBackStopsNewIdsAndNothingElse() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let client = cluster.client
            let first = try await client.post(Draft(text: "first"), session: alice.session)
            cluster.clock.advance(hours: -1)
            for node in cluster.nodes {
                try await cluster.kill(node)
                try await cluster.restart(node)
            }
            let home = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            var options = CallOptions(session: alice.session.token)
            options.key = IdempotencyKey(high: cluster.clock.nowMs(), low: 1)
            let message = PostRequest.with { $0.text = "too early" }.encode()
            let error = await #expect(throws: RPCError.self) {
                try await cluster.call(home, "rookery.Tweets/Post", message, options)
            }
            #expect(error?.code == .unavailable && error?.ran == .no && error?.retryable == true)
            #expect(error?.message.hasSuffix("the clock was set back; ids wait for it") == true)
            let answer = try await cluster.patiently {
                try await client.react(.like, to: first.id, session: alice.session)
            }
            #expect(answer.world.likes == 1)
            cluster.clock.advance(hours: 1)
            let second = try await client.post(Draft(text: "second"), session: alice.session)
            #expect(second.id > first.id)
            #expect(try await client.home(session: alice.session).tweets.map(\.id) == [second.id, first.id])
        }
    }

    @Test func textsAreReadBackAsTheyWereWritten() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            // A NUL ends a C string, and must not end a text.
            let texts = [
                "a\u{0}b", "e\u{301} and é", "👩‍👩‍👧‍👦🏳️‍🌈", "\u{202e}right to left", String(repeating: "語", count: 140),
            ]
            for text in texts {
                let place = "in \(text.prefix(20))"
                let posted = try await cluster.client.post(Draft(text: text, place: place), session: alice.session)
                let shown = try await cluster.client.show(posted.id)
                #expect(Array(shown.text.utf8) == Array(text.utf8))
                #expect(Array(shown.place?.utf8 ?? "".utf8) == Array(place.utf8))
            }
        }
    }

    @Test func bytesThatAreNoTextAreRefused() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let home = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            let before = try cluster.products()
            var options = CallOptions(session: alice.session.token)
            options.key = IdempotencyKey(high: cluster.clock.nowMs(), low: 1)
            // Field 1, two bytes, no UTF-8.
            let noText: [UInt8] = [0x0a, 2, 0xff, 0xfe]
            let media = PostRequest.with {
                $0.text = "look"
                $0.media = [77]
            }
            let image = PostRequest.with {
                $0.text = "look"
                $0.type = .tweetImage
            }
            let expected: [([UInt8], StatusCode, String?)] = [
                (noText, .invalidArgument, nil), (media.encode(), .notFound, "there is no media 77"),
                (image.encode(), .invalidArgument, "a tweet without media is of type text"),
            ]
            for (message, code, sentence) in expected {
                let error = await #expect(throws: RPCError.self) {
                    try await cluster.call(home, "rookery.Tweets/Post", message, options)
                }
                #expect(error?.code == code, "\(error as Any)")
                if let sentence { #expect(error?.message == sentence) }
            }
            #expect(try cluster.products() == before)
        }
    }
}
