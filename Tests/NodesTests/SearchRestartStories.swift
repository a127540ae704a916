import Client
import Cluster
import Messages
import RPC
import Storage
import Synchronization
import Testing

/// The search index after a node's end: it is made anew from what is stored, in the log or not.
@Suite struct SearchRestartStories {
    /// The log brings back the last few tweets by itself. Here it is cut behind them: what is found after a start comes
    /// from the tweets' rows, and from blocks where some are full.
    @Test(arguments: [2048, 16]) func theIndexComesBackWithoutTheLog(blockTweets: Int) async throws {
        var setup = TestCluster.Setup()
        (setup.nodes, setup.partitions, setup.searchBlockTweets) = (1, 1, blockTweets)
        setup.partitionSettings.keepEntries = 0
        try await TestCluster.run(setup) { cluster in
            let ada = try await cluster.register("ada")
            var expected: [Id] = []
            for number in 0..<90 {
                let tweet = try await cluster.client.post(Draft(text: "lasting \(number)"), session: ada.session)
                expected.append(tweet.id)
                guard number % 30 == 29 else { continue }
                try await cluster.kill(cluster.nodes[0])
                try await cluster.restart(cluster.nodes[0])
                let found = try await cluster.patiently {
                    try await cluster.client.search("lasting", SearchOptions(maxResults: 100), session: ada.session)
                }
                #expect(found.tweets.map(\.id) == expected.sorted(by: >))
            }
            let kept = try await cluster.status(of: cluster.nodes[0]).partitions[0].logEntries
            #expect(kept < expected.count / 2, "or the log would have brought them all")
        }
    }

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
