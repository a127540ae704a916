import Client
import Cluster
import Messages
import RPC
import Storage
import Synchronization
import Testing

/// The search index after a node's end: it is made anew from what is stored, in the log or not.
@Suite struct SearchRestartStories {
    /// rule C9
    @Test func aBlockThatCannotBeWrittenEndsTheNodeAndNothingIsLost() async throws {
        let failures = Mutex<[String]>([])
        var setup = TestCluster.Setup()
        (setup.nodes, setup.partitions, setup.searchBlockTweets) = (1, 1, 8)
        setup.diskFailed = { _, error in failures.withLock { $0.append("\(error)") } }
        try await TestCluster.run(setup) { cluster in
            let (node, ada) = (cluster.nodes[0], try await cluster.register("ada"))
            let store = try #require(cluster.store(of: node))
            var expected: [Id] = []
            for number in 0..<20 {
                expected.append(
                    try await cluster.client.post(Draft(text: "kept \(number)"), session: ada.session).id)
            }
            store.failsOnBlocks.store(true, ordering: .relaxed)
            let request = SearchRequest.with { ($0.query, $0.partitions, $0.limit) = ("kept", [0], 100) }
            await #expect(throws: RPCError.self) {
                try await cluster.call(
                    node, "rookery.Search/Tweets", request.encode(), CallOptions(session: ada.session.token))
            }
            #expect(failures.withLock { $0 } == ["\(StorageError.io("the disk is broken"))"])
            // What the process would have done by itself.
            try await cluster.kill(node)
            try await cluster.restart(node)
            let found = try await cluster.patiently {
                try await cluster.client.search("kept", SearchOptions(maxResults: 100), session: ada.session)
            }
            #expect(found.tweets.map(\.id) == expected.sorted(by: >))
        }
    }
}
