import Cluster
import Glibc
import Logging
import Messages
import NIOPosix
import RPC
import Synchronization
import Testing

@testable import Client

/// A client that is closed while it is used, over TCP and with event loops of its own, which end with it.
@Suite("Closing", .timeLimit(.minutes(2)))
struct ClosingTests {
    private static let follow = "rookery.Graph/Follow"
    private static let sessions = "rookery.Accounts/Sessions"
    private static let logger = Logger(label: "closing", factory: { _ in SwiftLogNoOpLogHandler() })
    private let ada = StubCluster.session()
    private let bob = Id(rawValue: 77)

    private func withServer(
        _ handler: @escaping @Sendable (Call) async throws -> Answer, _ story: (_ port: Int) async throws -> Void
    ) async throws {
        var methods = MethodTable()
        for method in [Self.follow, Self.sessions] { methods.unary(method) { try await handler($0) } }
        let server = Server(
            configuration: ServerConfiguration(clusterId: "test", nodeId: "n1"), methods: methods,
            transport: TCPTransport(group: StubCluster.group), group: StubCluster.group, logger: Self.logger)
        let port = try await server.start(host: "127.0.0.1", port: 0)
        do {
            try await story(port)
        } catch {
            await server.abort()
            throw error
        }
        await server.abort()
    }

    /// As a program makes it, whose client brings its own loops.
    private func client(port: Int, clock: any WallClock = SystemClock()) throws -> RookeryClient {
        var options = RookeryClient.Options()
        options.environment.clock = clock
        let node = NodeInfo(id: "n1", address: Address(host: "127.0.0.1", port: port), region: "here", zone: "z")
        let map = try ClusterMap(
            version: 1, partitioning: try Partitioning(count: 4, regionNames: ["here"]), nodes: ["n1": node],
            rows: (0..<4 as Range<UInt16>).map { StubCluster.row(PartitionId($0), primary: "n1", revision: 1) })
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        return RookeryClient(
            map: map, clusterId: "test", options: options, transport: TCPTransport(group: group), group: group,
            ownGroup: group)
    }

    /// Whatever the two do at once: each call ends, with an answer or the typed error, and so does the close.
    @Test func callsThatRaceACloseEnd() async throws {
        let accepted = Answer(FollowReply.with { $0.state = .edgeAccepted }.encode())
        try await withServer({ _ in accepted }) { port in
            for round in 0..<400 {
                let client = try client(port: port)
                let callers = (0..<6).map { _ in
                    Task { () async throws -> Int in
                        var answers = 0
                        do {
                            while true {
                                _ = try await client.follow(bob, session: ada)
                                answers += 1
                            }
                        } catch let error as RookeryError where error == Pool.closed {
                            return answers
                        }
                    }
                }
                for _ in 0..<(round % 20) * 10 { await Task.yield() }
                await client.close()
                for caller in callers { _ = try await caller.value }
                await client.close()
            }
        }
    }

    /// A read asks for the time after it has chosen its connection, and before it uses it: there it dawdles.
    private final class DawdlingClock: WallClock {
        let isArmed = Atomic<Bool>(false)
        let isBetween = Atomic<Bool>(false)
        let mayGoOn = Atomic<Bool>(false)

        func nowMs() -> UInt64 {
            if isArmed.load(ordering: .acquiring) {
                isBetween.store(true, ordering: .releasing)
                // Not for ever: who closes may be waiting for this very call.
                for _ in 0..<30_000 where !mayGoOn.load(ordering: .acquiring) { sched_yield() }
            }
            return SystemClock().nowMs()
        }

        func monotonicNs() -> UInt64 { SystemClock().monotonicNs() }
    }

    /// The event loop must not go while somebody is about to use it: the call would wait for an answer for ever.
    @Test func aCallOnItsWayToTheConnectionEnds() async throws {
        try await withServer({ _ in Answer(SessionsReply().encode()) }) { port in
            for _ in 0..<20 {
                let clock = DawdlingClock()
                let client = try client(port: port, clock: clock)
                #expect(try await client.sessions(ada).isEmpty)
                clock.isArmed.store(true, ordering: .releasing)
                let call = Task { try await client.sessions(ada) }
                while !clock.isBetween.load(ordering: .acquiring) { await Task.yield() }
                await client.close()
                clock.mayGoOn.store(true, ordering: .releasing)
                let error = await #expect(throws: RookeryError.self) { try await call.value }
                #expect(error == Pool.closed)
            }
        }
    }

    /// A call that nobody answers does not hold the close up; it ends first.
    @Test func aCallThatWaitsFailsWhenTheClientCloses() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        try await withServer({ _ in
            arrived.yield()
            // Until it is cancelled, which the end of the connection does.
            for await _ in AsyncStream<Void>.makeStream().stream {}
            throw CancellationError()
        }) { port in
            let client = try client(port: port)
            let call = Task { try await client.follow(bob, session: ada) }
            for await _ in arrivals { break }
            await client.close()
            let error = await #expect(throws: RookeryError.self) { try await call.value }
            #expect(error == Pool.closed)
            let late = await #expect(throws: RookeryError.self) { try await client.follow(bob, session: ada) }
            #expect(late == Pool.closed)
        }
    }
}
