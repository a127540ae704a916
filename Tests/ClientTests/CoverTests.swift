import Client
import Cluster
import Messages
import RPC
import Synchronization
import Testing

/// An answer to all owners counts only when it is about exactly what its node was asked for: rule F5.
@Suite struct CoverTests {
    private typealias Cover = [(partition: UInt32, epoch: UInt64)]

    private static let whole: Cover = [(2, 1), (3, 1)]

    /// n1 covers what it is asked for; n2, which owns partitions 2 and 3, covers what the test says, question by
    /// question. Each finds one person, named like itself.
    private func pages(_ covers: [Cover]) async throws -> [UserSearchPage] {
        let cluster = StubCluster()
        let left = Mutex(covers)
        try await cluster.start(method: "rookery.Search/Users") { node, call in
            let request = try UserSearchRequest.decode(call.message)
            let said =
                node == "n1"
                ? request.partitions.map { ($0, UInt64(1)) } : left.withLock { $0.isEmpty ? [] : $0.removeFirst() }
            return Answer(
                UserSearchReply.with {
                    $0.hits = [.with { $0.name = node.rawValue }]
                    $0.cover = said.map { partition, epoch in
                        .with {
                            $0.partition = partition
                            $0.epoch = epoch
                        }
                    }
                }.encode())
        }
        let client = try cluster.client(ofN2: [2, 3])
        var pages: [UserSearchPage] = []
        for _ in covers {
            pages.append(try await client.searchUsers("n", session: StubCluster.session()))
        }
        await client.close()
        await cluster.stop()
        return pages
    }

    @Test func anExactCoverCounts() async throws {
        let page = try await pages([Self.whole])[0]
        #expect(page.users.map(\.name) == ["n1", "n2"] && page.missingNodes.isEmpty)
    }

    @Test(arguments: [[2], [], [2, 3, 1], [2, 2, 3], [1, 2]] as [[UInt32]])
    func anyOtherCoverMakesItsNodeMissing(partitions: [UInt32]) async throws {
        let page = try await pages([partitions.map { ($0, 1) }])[0]
        #expect(page.users.map(\.name) == ["n1"] && page.missingNodes == ["n2"])
    }

    @Test func anEpochThatIsOverCoversNothing() async throws {
        let pages = try await pages([[(2, 1), (3, 0)], Self.whole, [(2, 5), (3, 1)], Self.whole, [(2, 5), (3, 1)]])
        #expect(pages.map(\.missingNodes) == [["n2"], [], [], ["n2"], []])
    }
}
