import Cluster
import Coordination
import Messages
import RPC
import Synchronization
import Testing

@testable import Client

/// The whole path of a call, over the real protocol.
@Suite("Calls")
struct CallTests {
    private static let follow = "rookery.Graph/Follow"
    private let ada = StubCluster.session()
    private let bob = Id(rawValue: 77)

    private func accepted() -> Answer { Answer(FollowReply.with { $0.state = .edgeAccepted }.encode()) }

    @Test("A refusal by a node that is not the owner is followed to the owner, and remembered")
    func redirect() async throws {
        let cluster = StubCluster()
        try await cluster.start(method: Self.follow) { node, call in
            guard node == "n1" else { return accepted() }
            let row = StubCluster.row(PartitionId(2), primary: "n2", revision: 2)
            throw RPCError(
                .unavailable, "not mine", ran: .no, retryable: true,
                details: RefusalDetails.with { $0.owner = row.message }.encode())
        }
        let client = try cluster.client()
        #expect(try await client.follow(bob, session: ada).state == "accepted")
        #expect(try await client.follow(bob, session: ada).state == "accepted")
        #expect(cluster.calls.map(\.node) == ["n1", "n2", "n2"])
        #expect(cluster.calls.map(\.call.revision) == [1, 2, 2])
        #expect(cluster.calls.allSatisfy { $0.call.partition == 2 && $0.call.session == [9, 9] })
        // A redirect is no retry: the same intent, the same key.
        #expect(cluster.calls[0].call.key == cluster.calls[1].call.key)
        #expect(cluster.calls[1].call.key != cluster.calls[2].call.key)
        await client.close()
        await cluster.stop()
    }

    @Test("Redirects that lead in a circle come to an end")
    func redirectCircle() async throws {
        let cluster = StubCluster()
        let revision = Mutex<UInt64>(1)
        try await cluster.start(method: Self.follow) { node, _ in
            let next = revision.withLock { value in
                value += 1
                return value
            }
            let row = StubCluster.row(PartitionId(2), primary: node == "n1" ? "n2" : "n1", revision: next)
            throw RPCError(
                .unavailable, "not mine", ran: .no, retryable: true,
                details: RefusalDetails.with { $0.owner = row.message }.encode())
        }
        let client = try cluster.client()
        let error = await #expect(throws: RookeryError.self) { try await client.follow(bob, session: ada) }
        #expect(error?.status == .unavailable)
        #expect(cluster.calls.count <= RookeryClient.maxRedirects + RetryPolicy().maxTries)
        await client.close()
        await cluster.stop()
    }

    @Test("A write that may or may not have run is repeated with the same request id")
    func sameKey() async throws {
        let cluster = StubCluster()
        let tries = Atomic(0)
        try await cluster.start(method: Self.follow) { _, _ in
            guard tries.add(1, ordering: .relaxed).newValue == 3 else {
                throw RPCError(.unavailable, "the log is moving", ran: .unknown, retryable: true)
            }
            return accepted()
        }
        let client = try cluster.client()
        _ = try await client.follow(bob, session: ada)
        #expect(cluster.calls.count == 3)
        #expect(Set(cluster.calls.map(\.call.key)).count == 1)
        #expect(cluster.calls.allSatisfy { !$0.call.key.isNone })
        await client.close()
        await cluster.stop()
    }

    @Test("Retries of all calls together stay within the budget")
    func budget() async throws {
        let cluster = StubCluster()
        try await cluster.start(method: Self.follow) { _, _ in
            throw RPCError(.unavailable, "overrun", ran: .no, retryable: true)
        }
        let client = try cluster.client { $0.environment = StillTime.environment }
        for _ in 0..<20 { await #expect(throws: RookeryError.self) { try await client.follow(bob, session: ada) } }
        // Each call's first try, the second's free retries, and a tenth of the calls. No time goes by.
        #expect(cluster.calls.count == 20 + 10 + 2)
        await client.close()
        await cluster.stop()
    }

    @Test("A login is not repeated: each try counts")
    func loginOnce() async throws {
        let cluster = StubCluster()
        try await cluster.start(method: "rookery.Accounts/Login") { _, _ in
            throw RPCError(.unavailable, "gone", ran: .unknown, retryable: true)
        }
        let client = try cluster.client()
        await #expect(throws: RookeryError.self) {
            try await client.ask(
                "rookery.Accounts/Login", LoginRequest(), as: SessionReply.self, at: .primary(PartitionId(1)),
                session: nil, key: nil, .never)
        }
        #expect(cluster.calls.count == 1)
        await client.close()
        await cluster.stop()
    }

    @Test("A refusal reaches the caller as it was said, once")
    func typedError() async throws {
        let cluster = StubCluster()
        try await cluster.start(method: "rookery.Accounts/Resolve") { _, _ in
            throw RPCError(.notFound, "there is no user @bob")
        }
        let client = try cluster.client()
        let error = await #expect(throws: RookeryError.self) { try await client.resolve("bob") }
        #expect(error == RookeryError(.notFound, "there is no user @bob", node: "n1"))
        #expect(cluster.calls.count == 1)
        await client.close()
        await cluster.stop()
    }

    @Test("A node that does not answer costs the deadline and no more, and is named")
    func deadline() async throws {
        let cluster = StubCluster()
        try await cluster.start(method: "rookery.Accounts/Resolve") { _, _ in
            // Nothing ever comes; it ends when the caller's deadline cancels it.
            let never = AsyncStream<Void>.makeStream()
            for await _ in never.stream {}
            return Answer()
        }
        let client = try cluster.client { $0.timeout = .milliseconds(50) }
        let error = await #expect(throws: RookeryError.self) { try await client.resolve("bob") }
        #expect(error?.status == .deadlineExceeded)
        #expect(error?.message.contains("n1 at stub:1") == true, "\(error?.message ?? "")")
        await client.close()
        await cluster.stop()
    }

    @Test("A node that is down is named, with its address")
    func down() async throws {
        let cluster = StubCluster()
        let client = try cluster.client()
        let error = await #expect(throws: RookeryError.self) { try await client.resolve("bob") }
        #expect(error?.status == .unavailable)
        #expect(error?.retryable == true)
        #expect(error?.message.contains("n1 at stub:1") == true, "\(error?.message ?? "")")
        await client.close()
    }

    @Test("What a write left on its way rides along with the session's next reads, not with its writes")
    func readsOwnWrites() async throws {
        let cluster = StubCluster()
        let list = SeenList.with {
            $0.seen = [
                .with {
                    $0.source = 2; $0.destination = 1; $0.index = 12
                }
            ]
        }
        try await cluster.start(["n1"], method: Self.follow) { _, _ in
            var answer = accepted()
            answer.metadata["rookery-seen-bin"] = list.encode()
            return answer
        }
        let client = try cluster.client()
        _ = try await client.follow(bob, session: ada)
        _ = try await client.follow(bob, session: ada)
        #expect(cluster.calls.allSatisfy { $0.call.metadata["rookery-seen-bin"] == nil })
        _ = try await client.ask(
            Self.follow, FollowRequest(), as: FollowReply.self, at: .member(PartitionId(2)), session: ada, key: nil,
            .read)
        #expect(cluster.calls.last?.call.metadata["rookery-seen-bin"] == list.encode())
        await client.close()
        await cluster.stop()
    }

    @Test("A page's token is handed back as it came, with what to leave out")
    func pageTokens() async throws {
        let cluster = StubCluster()
        try await cluster.start(method: "rookery.Timelines/Home") { _, call in
            let request = try TimelineRequest.decode(call.message)
            #expect(request.excludeReplies && !request.excludeRetweets && request.maxResults == 5)
            return Answer(TimelineReply.with { $0.nextToken = request.nextToken.isEmpty ? "tok/1+=" : "" }.encode())
        }
        let client = try cluster.client()
        let first = try await client.home(PageRequest(maxResults: 5, excludeReplies: true), session: ada)
        #expect(first.next == "tok/1+=")
        let last = try await client.home(
            PageRequest(maxResults: 5, next: first.next, excludeReplies: true), session: ada)
        #expect(last.next == nil)
        let tokens = try cluster.calls.map { try TimelineRequest.decode($0.call.message).nextToken }
        #expect(tokens == ["", "tok/1+="])
        await client.close()
        await cluster.stop()
    }

    @Test("A client that is closed says so")
    func closed() async throws {
        let client = try StubCluster().client()
        await client.close()
        let error = await #expect(throws: RookeryError.self) { try await client.resolve("bob") }
        #expect(error == RookeryError(.cancelled, "the client is closed"))
    }

    @Test("An id of a partition that the cluster does not have is unknown, without asking anyone")
    func foreignId() async throws {
        let client = try StubCluster().client()
        let id = Id(unixMs: Id.epochMs, partition: PartitionId(9), sequence: 0)
        let error = await #expect(throws: RookeryError.self) { try await client.show(id) }
        #expect(error == RookeryError(.notFound, "there is no tweet \(id)"))
        await client.close()
    }
}
