import Client
import Cluster
import Testing

/// A node that was away and is there again.
@Suite struct ReturnStories {
    /// Whoever found it gone leaves it alone for a second and more, longer from time to time; but it says that it is back.
    @Test func theOthersAskItAtOnce() async throws {
        // Not this machine, as far as anybody knows: there the wait would be too short to be sure of it.
        let setup = TestCluster.Setup(nodes: 2, host: "elsewhere")
        try await TestCluster.run(setup) { cluster in
            let people = try await cluster.people(8)
            let reader = people[0]
            let home = try #require(cluster.map.owner(of: reader.id.partition)?.id)
            let author = try #require(people.first { cluster.map.owner(of: $0.id.partition)?.id != home })
            let away = try #require(cluster.map.owner(of: author.id.partition)?.id)
            _ = try await cluster.client.follow(author.id, session: reader.session)
            let tweet = try await cluster.client.post(Draft(text: "here"), session: author.session).id
            try await cluster.atRest()

            try await cluster.kill(away)
            await #expect(throws: RookeryError.self) { try await cluster.client.home(session: reader.session) }
            try await cluster.restart(away)
            #expect(try await cluster.client.home(session: reader.session).tweets.map(\.id) == [tweet])
        }
    }
}
