import Client
import Cluster
import Messages
import NIOCore
import RPC
import Synchronization
import Testing

/// However many questions an answer takes, one after the other, its caller waits no longer than it said.
@Suite struct DeadlineTests {
    private static let timeout = Duration.seconds(100)
    /// So long n1 takes for each answer, by the client's clock.
    private static let cost = Duration.seconds(20)

    /// What n1 was asked, in this order, and how much time it was given at most.
    private struct Asked {
        var method: String
        var given: Duration
    }

    /// All partitions but one live at n1.
    private func asked(
        _ methods: [String], _ answer: @escaping @Sendable (NodeId, Call) throws -> [UInt8],
        by use: (RookeryClient, Session) async throws -> Void
    ) async throws -> [Asked] {
        let (cluster, time) = (StubCluster(), StillTime())
        let asked = Mutex<[Asked]>([])
        try await cluster.start(methods: methods) { node, call in
            guard node == "n1" else { return Answer(try answer(node, call)) }
            let given = try #require(call.deadline) - .now()
            asked.withLock { $0.append(Asked(method: call.method, given: .nanoseconds(given.nanoseconds))) }
            time.advance(Self.cost)
            return Answer(try answer(node, call))
        }
        let client = try cluster.client(ofN2: [3]) {
            $0.timeout = Self.timeout
            $0.environment = time.environment
        }
        try await use(client, StubCluster.session())
        await client.close()
        await cluster.stop()
        return asked.withLock { $0 }
    }

    private func expect(_ asked: [Asked], _ expected: [(String, seconds: Int)]) {
        #expect(asked.map(\.method) == expected.map(\.0))
        for (asked, expected) in zip(asked, expected) {
            #expect(asked.given <= .seconds(expected.seconds), "\(asked.method)")
        }
    }

    @Test func aSearchIsOneCall() async throws {
        let tweet = StubCluster.session().userId.rawValue
        let rounds = Atomic(0)
        let asked = try await asked(
            ["rookery.Search/Tweets", "rookery.Tweets/Lookup", "rookery.Accounts/Profile"],
            { node, call in
                switch call.method {
                case "rookery.Search/Tweets":
                    let partitions = try SearchRequest.decode(call.message).partitions
                    // n1 finds nothing at first, and has not looked at all.
                    let isLast = node == "n2" || rounds.add(1, ordering: .relaxed).newValue == 2
                    return SearchReply.with {
                        $0.hits = isLast && node == "n1" ? [.with { $0.id = tweet }] : []
                        ($0.exhausted, $0.examinedTo) = (isLast, tweet + 1)
                        $0.cover = StubCluster.cover(partitions)
                    }.encode()
                case "rookery.Tweets/Lookup":
                    let row = TweetRow.with { ($0.id, $0.author, $0.authorId) = (tweet, "ada", tweet) }
                    return TimelineReply.with { $0.tweets = [.with { $0.row = row.encode() }] }.encode()
                default: return Profile.with { ($0.id, $0.name) = (tweet, "ada") }.encode()
                }
            },
            by: { client, session in
                let page = try await client.search("rook", SearchOptions(expansions: [.author]), session: session)
                #expect(page.tweets.count == 1 && page.includes?.users.count == 1)
            })
        // Owners get three quarters of what is left: of 100 s, then of 80 s.
        expect(
            asked,
            [
                ("rookery.Search/Tweets", seconds: 75), ("rookery.Search/Tweets", seconds: 60),
                ("rookery.Tweets/Lookup", seconds: 60), ("rookery.Accounts/Profile", seconds: 40),
            ])
    }

    @Test func aTopListIsOneCall() async throws {
        let asked = try await asked(
            ["rookery.Top/Top", "rookery.Tweets/Lookup"],
            { node, call in
                guard call.method == "rookery.Top/Top" else { return TimelineReply().encode() }
                let request = try TopRequest.decode(call.message)
                return TopReply.with {
                    // All that counts lies at n1, which is asked for a part of it first.
                    let count = node == "n1" ? UInt64(request.limit) : 0
                    $0.items = (0..<count).map { id in .with { ($0.id, $0.count) = (id + 1, 5) } }
                    ($0.complete, $0.bound, $0.exact) = (node == "n2", node == "n1" ? 5 : 0, true)
                    $0.cover = StubCluster.cover(request.partitions)
                }.encode()
            },
            by: { client, session in
                let list = try await client.top(TopQuery(.tweets, k: 40), session: session)
                #expect(list.items.count == 40)
            })
        expect(
            asked,
            [
                ("rookery.Top/Top", seconds: 75), ("rookery.Top/Top", seconds: 60),
                ("rookery.Tweets/Lookup", seconds: 60),
            ])
    }

    @Test func aSearchForPeopleIsOneCall() async throws {
        let asked = try await asked(
            ["rookery.Search/Users"],
            { node, call in
                let request = try UserSearchRequest.decode(call.message)
                return UserSearchReply.with {
                    // Much begins so at n1, and is nobody's any more.
                    $0.more = node == "n1" && request.afterUser == 0
                    if $0.more { ($0.stoppedAtWord, $0.stoppedAtUser) = ("n", 7) }
                    $0.cover = StubCluster.cover(request.partitions)
                }.encode()
            },
            by: { client, session in
                let page = try await client.searchUsers("n", session: session)
                #expect(page.users.isEmpty && page.next == nil)
            })
        expect(asked, [("rookery.Search/Users", seconds: 75), ("rookery.Search/Users", seconds: 60)])
    }
}
