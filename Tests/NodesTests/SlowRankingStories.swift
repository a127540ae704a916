import Client
import Cluster
import Dispatch
import Messages
import RPC
import Testing

/// Rankings that read very much before they can answer.
@Suite struct SlowRankingStories {
    @Test func noSearchWaitsForARankingThatIsRead() async throws {
        try await TestCluster.run(TestCluster.Setup(nodes: 1)) { cluster in
            let ada = try await cluster.register("ada")
            let tweet = try await cluster.client.post(Draft(text: "rook"), session: ada.session)
            let store = try #require(cluster.store(of: "n1"))
            let door = DispatchSemaphore(value: 0)
            store.tagsDoor.withLock { $0 = door }
            // Of a home each, so that none of them waits for another one's home.
            let rankings = cluster.map.rows.map { row in
                let request = TopRequest.with {
                    ($0.kind, $0.by, $0.limit) = (.topHashtags, .topByUses, 10)
                    $0.partitions = [UInt32(row.partition.rawValue)]
                }
                return Task {
                    try await cluster.call(
                        "n1", "rookery.Top/Top", request.encode(), CallOptions(session: ada.session.token))
                }
            }
            let end = ContinuousClock.now + .seconds(20)
            while store.atDoor.load(ordering: .relaxed) == 0, ContinuousClock.now < end { try await pause(ms: 1) }
            #expect(store.atDoor.load(ordering: .relaxed) > 0, "somebody reads hashtags")
            for _ in 0..<3 {
                let page = try await cluster.client.search("rook", session: ada.session)
                #expect(page.tweets.map(\.id) == [tweet.id] && page.missingNodes.isEmpty)
            }
            store.tagsDoor.withLock { $0 = nil }
            door.signal()
            for ranking in rankings { _ = try await ranking.value }
        }
    }
}
