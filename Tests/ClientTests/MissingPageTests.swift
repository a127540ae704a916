import Client
import Cluster
import Messages
import RPC
import Testing

/// Where a node is away, a page says so, and gives a place to go on from when it is back.
@Suite struct MissingPageTests {
    private static func client(
        _ cluster: StubCluster, _ method: String, _ answer: @escaping @Sendable (Call) throws -> [UInt8]
    ) async throws -> RookeryClient {
        try await cluster.start(["n1"], methods: [method, "rookery.Tweets/Lookup"]) { _, call in
            Answer(call.method == method ? try answer(call) : TimelineReply().encode())
        }
        return try cluster.client(ofN2: [3])
    }

    @Test func aSearchByScoreGoesOn() async throws {
        let cluster = StubCluster()
        let client = try await Self.client(cluster, "rookery.Search/Tweets") { call in
            let request = try SearchRequest.decode(call.message)
            return SearchReply.with {
                $0.hits = request.below == 0 ? [.with { ($0.id, $0.score) = (7, 1) }] : []
                $0.exhausted = true
                $0.cover = StubCluster.cover(request.partitions)
            }.encode()
        }
        var options = SearchOptions(sort: .top)
        let page = try await client.search("rook", options, session: StubCluster.session())
        #expect(page.missingNodes == ["n2"] && page.next != nil)
        options.next = page.next
        let last = try await client.search("rook", options, session: StubCluster.session())
        #expect(last.missingNodes == ["n2"] && last.next == nil, "what is empty leads nowhere")
        await client.close()
        await cluster.stop()
    }

    @Test func aSearchForPeopleGoesOn() async throws {
        let cluster = StubCluster()
        let client = try await Self.client(cluster, "rookery.Search/Users") { call in
            let request = try UserSearchRequest.decode(call.message)
            return UserSearchReply.with {
                $0.hits = request.afterUser == 0 ? [.with { ($0.word, $0.userId, $0.name) = ("ada", 7, "ada") }] : []
                $0.cover = StubCluster.cover(request.partitions)
            }.encode()
        }
        let session = StubCluster.session()
        let page = try await client.searchUsers("a", session: session)
        #expect(page.users.map(\.name) == ["ada"] && page.missingNodes == ["n2"] && page.next != nil)
        let last = try await client.searchUsers("a", next: page.next, session: session)
        #expect(last.missingNodes == ["n2"] && last.next == nil, "what is empty leads nowhere")
        await client.close()
        await cluster.stop()
    }
}
