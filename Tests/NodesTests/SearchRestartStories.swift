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

    /// A block is made of tweets, and can be made of them again: who searches notices nothing but the time it takes.
    @Test(arguments: [false, true]) func aDamagedBlockCostsNoAnswer(isLost: Bool) async throws {
        var setup = TestCluster.Setup()
        (setup.nodes, setup.partitions, setup.searchBlockTweets) = (1, 2, 8)
        try await TestCluster.run(setup) { cluster in
            let people = try await cluster.people(2)
            var expected: [Id] = []
            for number in 0..<60 {
                let author = people[number % people.count]
                expected.append(
                    try await cluster.client.post(Draft(text: "kept \(number)"), session: author.session).id)
            }
            expected.sort(by: >)
            let options = SearchOptions(maxResults: 100)
            let before = try await cluster.client.search("kept", options, session: people[0].session)
            #expect(before.tweets.map(\.id) == expected)
            let store = try #require(cluster.store(of: cluster.nodes[0]))
            let whole = try store.dump([.search])
            var effects = Effects()
            for row in try store.rows(.search) where row.key.count > Self.blockKeyBytes + 1 {
                if isLost {
                    effects.delete(.search, row.key)
                } else {
                    effects.put(.search, row.key, row.value.dropLast() + [row.value[row.value.count - 1] ^ 1])
                }
            }
            try store.write(effects, sync: true)
            #expect(try store.dump([.search]) != whole, "or no chunk is damaged")
            let found = try await cluster.client.search("kept", options, session: people[0].session)
            #expect(found.tweets.map(\.id) == expected && found.missingNodes.isEmpty)
            #expect(try store.dump([.search]) == whole)
        }
    }

    /// A partition and the first id; a chunk's key goes on with its first term.
    private static let blockKeyBytes = 2 + 8
}
