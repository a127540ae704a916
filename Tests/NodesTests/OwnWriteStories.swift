import Client
import Cluster
import Messages
import RPC
import Synchronization
import Testing

/// A session reads its own writes, and never goes back in time (P8); counts neither double nor fall while sums travel
/// (rule F2).
@Suite struct OwnWriteStories {
    @Test func whatASessionWroteItReadsAtOnce() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed, partitions: 16)) { cluster in
            cluster.faults.set(StreamFaults.Rates(delayed: 100))
            let people = try await cluster.people(6)
            let client = cluster.client
            for (index, person) in people.enumerated() {
                let (other, session) = (people[(index + 1) % people.count], person.session)
                let tweet = try await client.post(Draft(text: "hello"), session: other.session).id
                _ = try await client.follow(other.id, session: session)
                let followers = try await client.followers(of: other.id, session: session)
                #expect(followers.accounts.map(\.name).contains(person.name))
                #expect(try await client.counters(ofUser: other.id, session: session).world.followers == 1)
                #expect(try await client.home(session: session).tweets.map(\.id).contains(tweet))

                let reply = try await client.post(Draft(text: "hi", inReplyTo: tweet), session: session).id
                #expect(try await client.thread(tweet, session: session).tweets.map(\.id) == [tweet, reply])
                _ = try await client.react(.like, to: tweet, session: session)
                let counts = try await client.counters(ofTweet: tweet, session: session)
                #expect(counts.world.likes == 1 && counts.world.replies == 1)
                #expect(try await client.show(tweet, session: session).counts == counts.world)

                _ = try await client.follow(other.id, undo: true, session: session)
                #expect(try await client.followers(of: other.id, session: session).accounts.isEmpty)
                try await client.delete(reply, session: session)
                #expect(try await client.thread(tweet, session: session).tweets.map(\.deleted) == [false, true])
                _ = try await client.follow(other.id, session: session)
            }
        }
    }

    @Test func anAcceptedFollowerIsSeenByWhoAccepted() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(5)
            let (bob, client) = (people[0], cluster.client)
            _ = try await client.updateProfile(ProfileChange(protected: true), session: bob.session)
            for person in people.dropFirst() { _ = try await client.follow(bob.id, session: person.session) }
            try await cluster.atRest()
            cluster.faults.set(StreamFaults.Rates(delayed: 100))
            for person in people.dropFirst() {
                try await client.answerRequest(of: person.id, accept: true, session: bob.session)
                let following = try await client.following(of: person.id, session: bob.session)
                #expect(following.accounts.map(\.name) == [bob.name])
            }
        }
    }

    @Test(arguments: [["local"], ["north", "south"]])
    func countsNeitherDoubleNorFallWhileSumsTravel(_ regions: [String]) async throws {
        let seed = Seed.fresh()
        let setup = TestCluster.Setup(seed: seed, regions: regions, partitions: 4)
        try await TestCluster.run(setup) { cluster in
            let people = try await cluster.people(16)
            let tweet = try await cluster.client.post(Draft(text: "hot"), session: people[0].session).id
            try await cluster.atRest()
            cluster.faults.set(StreamFaults.Rates(lostAnswer: 10, doubled: 20, delayed: 40, stale: 20))
            for node in cluster.nodes { cluster.store(of: node)?.dawdles.store(true, ordering: .relaxed) }
            let round = LikeRound()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for watcher in [nil] + people.prefix(4).map({ Optional($0) }) {
                    group.addTask {
                        var last: UInt64 = 0
                        while !round.isOver.load(ordering: .relaxed) {
                            let session = watcher?.session
                            let shown = try await cluster.client.counters(ofTweet: tweet, session: session).world.likes
                            #expect(shown >= last, "a like was taken back from \(watcher?.name ?? "nobody")")
                            #expect(shown <= round.asked.load(ordering: .relaxed), "a like was doubled")
                            last = shown
                        }
                    }
                }
                for person in people {
                    round.asked.add(1, ordering: .relaxed)
                    let answer = try await cluster.client.react(.like, to: tweet, session: person.session)
                    #expect(answer.world.likes >= 1, "the liker sees the own like")
                    let own = try await cluster.client.counters(ofTweet: tweet, session: person.session)
                    #expect(own.world.likes >= answer.world.likes)
                    #expect(own.regions[person.region]?.likes ?? 0 >= 1)
                }
                try await cluster.atRest()
                round.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
            }
            #expect(try await cluster.client.counters(ofTweet: tweet).world.likes == 16)
        }
    }

    /// The refusal carries the owner's row, and a client with an old map follows it.
    @Test func aNodeThatDoesNotOwnAPartitionSaysWhoDoes() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let owner = try #require(cluster.map.owner(of: alice.id.partition)?.id)
            for node in cluster.nodes where node != owner {
                let request = ProfileRequest.with { $0.userId = alice.id.rawValue }
                let error = await #expect(throws: RPCError.self) {
                    try await cluster.call(node, "rookery.Accounts/Profile", request.encode())
                }
                #expect(error?.code == .unavailable && error?.ran == .no && error?.retryable == true)
                let details = try RefusalDetails.decode(error?.details ?? [])
                #expect(details.owner?.primary == owner.rawValue)
                #expect(details.owner?.partition == UInt32(alice.id.partition.rawValue))
            }
            let client = cluster.client(withMap: try cluster.wrongMap())
            #expect(try await client.profile(of: alice.id).name == "alice")
            let tweet = try await client.post(Draft(text: "found the way"), session: alice.session)
            #expect(try await client.home(session: alice.session).tweets.map(\.id) == [tweet.id])
            await client.close()
        }
    }
}

private final class LikeRound: Sendable {
    /// How many likes have been asked for: nobody may be shown more.
    let asked = Atomic<UInt64>(0)
    let isOver = Atomic<Bool>(false)
}
