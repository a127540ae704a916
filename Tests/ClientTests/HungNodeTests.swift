import Cluster
import Logging
import Messages
import NIOCore
import RPC
import Synchronization
import Testing

@testable import Client

/// Nodes that keep a search waiting.
@Suite(.timeLimit(.minutes(1))) struct HungNodeTests {
    /// Takes connections, and says nothing, as a stopped process does.
    private final class Mute: WireHandler {
        func opened(_ wire: any Wire) {}
        func received(_ bytes: ByteBuffer) {}
        func readCompleted() {}
        func writabilityChanged(_ isWritable: Bool) {}
        func closed(_ reason: String?) {}
    }

    /// Whose time no test lives to see the end of.
    private static func client(
        _ cluster: StubCluster, patience: Duration = .milliseconds(10), said: ClientLog = ClientLog()
    ) throws -> RookeryClient {
        try cluster.client(ofN2: [3]) { options in
            (options.timeout, options.connectTimeout) = (.seconds(36_000), .seconds(36_000))
            options.patience = patience
            options.logger = Logger(label: "hung") { _ in said }
        }
    }

    /// How often the client has asked whether a node is there.
    private struct ClientLog: LogHandler {
        private final class Count: Sendable {
            let asked = Atomic(0)
        }

        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info
        private let count = Count()

        var asked: Int { count.asked.load(ordering: .relaxed) }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if event.message.description.hasPrefix("asked a silent node") { count.asked.add(1, ordering: .relaxed) }
        }
    }

    private static func answer(_ call: Call) throws -> Answer {
        Answer(
            try SearchReply.with {
                $0.exhausted = true
                $0.cover = StubCluster.cover(try SearchRequest.decode(call.message).partitions)
            }.encode())
    }

    @Test func oneThatHangsIsMissing() async throws {
        let cluster = StubCluster()
        try await cluster.start(["n1"], method: "rookery.Search/Tweets") { _, call in try Self.answer(call) }
        let mute = try await cluster.transport.listen(host: "stub", port: 2, group: StubCluster.group) { _ in Mute() }
            .get()
        let client = try Self.client(cluster)
        let page = try await client.search("rook", session: StubCluster.session())
        #expect(page.missingNodes == ["n2"])
        await client.close()
        try await mute.close().get()
        await cluster.stop()
    }

    /// A node that is there is waited for, whether it tells its health, is too full to tell it, or has no stream left on
    /// which it could be asked.
    @Test(arguments: [StubCluster.Limits(), .init(maxInFlight: 1), .init(maxStreams: 1)])
    func oneThatIsSlowIsWaitedFor(limits: StubCluster.Limits) async throws {
        let (cluster, said) = (StubCluster(), ClientLog())
        try await cluster.start(method: "rookery.Search/Tweets", limits: limits) { node, call in
            while node == "n2", said.asked < 2 { await Task.yield() }
            return try Self.answer(call)
        }
        let client = try Self.client(cluster, said: said)
        let page = try await client.search("rook", session: StubCluster.session())
        #expect(page.missingNodes == [])
        await client.close()
        await cluster.stop()
    }

    /// While the others are still waited for, one that was given up may come back.
    @Test func anAnswerStandsWheneverItComes() throws {
        var outcomes = RookeryClient.Outcomes<Int>()
        outcomes.note(.failure(RookeryError(.deadlineExceeded, "silent")), of: "n2")
        outcomes.note(.failure(RookeryError(.cancelled, "given up")), of: "n2")
        #expect(throws: RookeryError(.deadlineExceeded, "silent")) { try outcomes.byNode["n2"]?.get() }
        outcomes.note(.success(7), of: "n2")
        outcomes.note(.failure(RookeryError(.deadlineExceeded, "silent")), of: "n2")
        #expect(try outcomes.byNode["n2"]?.get() == 7 && outcomes.byNode.count == 1)
    }

    /// Who gives up does not wait for it either.
    @Test func whoGivesUpIsFree() async throws {
        let cluster = StubCluster()
        try await cluster.start(["n1"], method: "rookery.Search/Tweets") { _, call in try Self.answer(call) }
        let mute = try await cluster.transport.listen(host: "stub", port: 2, group: StubCluster.group) { _ in Mute() }
            .get()
        let client = try Self.client(cluster, patience: .seconds(36_000))
        let search = Task { try await client.search("rook", session: StubCluster.session()) }
        while cluster.calls.isEmpty { await Task.yield() }
        search.cancel()
        await #expect(throws: RookeryError.self) { try await search.value }
        await client.close()
        try await mute.close().get()
        await cluster.stop()
    }
}
