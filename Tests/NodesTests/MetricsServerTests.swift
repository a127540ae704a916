import Logging
import NIOCore
import NIOPosix
import Nodes
import Synchronization
import Testing

/// Scrapes and health checks over a real socket.
@Suite(.timeLimit(.minutes(1))) struct MetricsServerTests {
    @Test func aScrapeReadsWhatWasCounted() async throws {
        try await withServer { server in
            server.registry.makeCounter(label: "rpc.requests", dimensions: []).increment(by: 42)
            let answer = try await server.request("GET /metrics?x=1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n" + server.registry.render()))
            #expect(answer.contains("\nrpc_requests_total 42\n"))
        }
    }

    @Test func healthFollowsWhetherTheNodeServes() async throws {
        try await withServer { server in
            let check = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
            let refusal = try await server.request(check)
            #expect(refusal.hasPrefix("HTTP/1.1 503 "))
            server.isServing.store(true)
            let answer = try await server.request(check)
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("\r\n\r\nok\n"))
        }
    }

    @Test func severalRequestsShareAConnection() async throws {
        try await withServer { server in
            server.registry.makeCounter(label: "n", dimensions: []).increment(by: 1)
            let first = "GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n"
            let last = "HEAD /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
            let answer = try await server.request(first + last)
            #expect(answer.hasPrefix("HTTP/1.1 404 ") && answer.contains("HTTP/1.1 200 OK\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"), "HEAD has no body")
        }
    }

    @Test(arguments: Refused.allCases)
    private func whatIsNotAScrapeIsRefusedAndTheServerGoesOn(refused: Refused) async throws {
        try await withServer { server in
            let refusal = try await server.request(refused.request)
            #expect(refused.answer.isEmpty ? refusal.isEmpty : refusal.hasPrefix(refused.answer))
            let next = try await server.request("GET /metrics HTTP/1.0\r\n\r\n")
            #expect(next.hasPrefix("HTTP/1.0 200 "))
        }
    }

    @Test func anIdleConnectionIsClosed() async throws {
        var limits = MetricsServer.Limits()
        limits.idleTimeout = .milliseconds(20)
        try await withServer(limits) { server in
            let answer = try await server.request("GET /metr")  // half a request, and then nothing
            #expect(answer.isEmpty)
        }
    }

    @Test func aConnectionThatHasEndedMakesRoom() async throws {
        var limits = MetricsServer.Limits()
        limits.connections = 1
        try await withServer(limits) { server in
            // The server may hear of an end a moment after the client does.
            for _ in 0..<3 {
                var answer = ""
                while answer.isEmpty {
                    try Task.checkCancellation()
                    answer = try await server.request("GET /metrics HTTP/1.0\r\n\r\n")
                }
                #expect(answer.hasPrefix("HTTP/1.0 200 "))
            }
        }
    }

    @Test func theServersEndEndsItsConnections() async throws {
        let kept = try await withServer { server in
            let kept = try await server.begin("GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n")
            // Connections are accepted in their order: when this one is answered, the server knows the other.
            _ = try await server.request("GET /metrics HTTP/1.0\r\n\r\n")
            return kept
        }
        #expect(try await kept.get().hasPrefix("HTTP/1.1 404 "))
    }

    @Test func connectionsAboveTheLimitAreClosedAtOnce() async throws {
        var limits = MetricsServer.Limits()
        limits.connections = 0
        try await withServer(limits) { server in
            let answer = try await server.request("")
            #expect(answer.isEmpty)
        }
    }
}

/// What somebody may send who is not a scraper.
private enum Refused: CaseIterable {
    case post, noHTTP, longHeader, longTarget, body

    var request: String {
        let long = String(repeating: "a", count: 20_000)
        return switch self {
        case .post: "POST /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        case .noHTTP: "no http at all\r\n\r\n"
        case .longHeader: "GET /metrics HTTP/1.1\r\nx: \(long)\r\n\r\n"
        case .longTarget: "GET /\(long) HTTP/1.1\r\nhost: a\r\n\r\n"
        case .body: "GET /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nabc"
        }
    }

    /// How the answer begins; empty when the connection is closed without one.
    var answer: String {
        switch self {
        case .post: "HTTP/1.1 405 "
        case .noHTTP, .longHeader, .longTarget: "HTTP/1.1 400 "
        case .body: ""
        }
    }
}

/// A started server, and the plainest HTTP client: sends text, returns all that comes until the other side closes.
private struct RunningServer {
    let registry: PrometheusRegistry
    let isServing: Flag
    let port: Int

    struct StillOpen: Error {}

    func request(_ text: String) async throws -> String { try await begin(text).get() }

    /// Returns when the connection is there. The text fails when it has not ended long before an idle one would.
    func begin(_ text: String) async throws -> EventLoopFuture<String> {
        let group = MultiThreadedEventLoopGroup.singleton
        let received = group.next().makePromise(of: String.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        // The server may close before it has read everything; what matters is what it said.
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        let late = channel.eventLoop.scheduleTask(in: .seconds(15)) { received.fail(StillOpen()) }
        received.futureResult.whenComplete { _ in late.cancel() }
        return received.futureResult
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    func load() -> Bool { value.load(ordering: .relaxed) }
    func store(_ wanted: Bool) { value.store(wanted, ordering: .relaxed) }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: EventLoopPromise<String>
    private var text = ""

    init(_ received: EventLoopPromise<String>) {
        self.received = received
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        received.succeed(text)
    }

    /// A reset ends the answer as a close does: the server closed while the request was still on its way.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

private func withServer<Value>(
    _ limits: MetricsServer.Limits = MetricsServer.Limits(), _ body: (RunningServer) async throws -> Value
) async throws -> Value {
    let registry = PrometheusRegistry()
    let flag = Flag()
    let server = MetricsServer(
        registry: registry, group: MultiThreadedEventLoopGroup.singleton, limits: limits, logger: Logger(label: "test"),
        serving: { flag.load() })
    let port = try await server.start(host: "127.0.0.1", port: 0)
    do {
        let value = try await body(RunningServer(registry: registry, isServing: flag, port: port))
        await server.shutdown()
        return value
    } catch {
        await server.shutdown()
        throw error
    }
}
