import Client
import Cluster
import Testing

/// The harness itself, and what every other story builds on.
@Suite struct BasicStories {
    @Test func aTweetReachesAFollowerOnAnotherNode() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let bob = try await cluster.register("bob")
            _ = try await cluster.client.follow(alice.id, session: bob.session)
            let tweet = try await cluster.client.post(Draft(text: "hello"), session: alice.session)
            let page = try await cluster.client.home(session: bob.session)
            #expect(page.tweets.map(\.id) == [tweet.id])
            try await cluster.atRest()
            #expect(try await cluster.everyFollower(of: alice.id) == ["bob"])
        }
    }

    @Test func whatWasAcknowledgedSurvivesTheDeathOfEveryNode() async throws {
        try await TestCluster.run { cluster in
            let alice = try await cluster.register("alice")
            let kept = try await cluster.client.post(Draft(text: "kept"), session: alice.session)
            let gone = try await cluster.client.post(Draft(text: "gone"), session: alice.session)
            try await cluster.client.delete(gone.id, session: alice.session)
            for node in cluster.nodes { try await cluster.kill(node) }
            for node in cluster.nodes { try await cluster.restart(node) }
            try await cluster.atRest()
            let page = try await cluster.patiently { try await cluster.client.home(session: alice.session) }
            #expect(page.tweets.map(\.id) == [kept.id])
            // F3: a delete never comes back, not even its text.
            let error = await #expect(throws: RookeryError.self) { try await cluster.client.show(gone.id) }
            #expect(error?.status == .notFound)
            #expect(error?.message == "tweet \(gone.id) was deleted")
        }
    }
}
