import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Answers scrapes and health checks over HTTP/1.1: `GET /metrics` and `GET /health`, nothing else.
///
/// It is for operators and listens on its own address. What a caller can cost is bounded: few connections, small
/// headers, no bodies, and idle connections are closed.
public final class MetricsServer: Sendable {
    /// Bounds on what callers may cost.
    public struct Limits: Sendable {
        public var connections = 64
        /// Bytes of one request's line and header fields together.
        public var headerBytes = 16_384
        /// A connection on which nothing moves for so long is closed.
        public var idleTimeout: TimeAmount = .seconds(30)

        public init() {}
    }

    private struct State {
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
    }

    private let registry: PrometheusRegistry
    private let group: any EventLoopGroup
    private let limits: Limits
    private let logger: Logger
    private let serving: @Sendable () -> Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - group: where connections live; a scrape renders on it, so it is best not the one that serves requests.
    ///   - serving: whether this node takes requests now; asked at each health check, from any thread.
    public init(
        registry: PrometheusRegistry, group: any EventLoopGroup, limits: Limits = Limits(), logger: Logger,
        serving: @escaping @Sendable () -> Bool
    ) {
        self.registry = registry
        self.group = group
        self.limits = limits
        self.logger = logger
        self.serving = serving
    }

    /// Begins to listen.
    /// - Parameter port: 0 for any free one.
    /// - Returns: the port that it listens on.
    /// - Throws: what the system says when the address cannot be bound.
    public func start(host: String, port: Int) async throws -> Int {
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in self.accept(channel) }
            .bind(host: host, port: port).get()
        state.withLock { $0.listener = listener }
        return listener.localAddress?.port ?? port
    }

    /// Stops listening and closes every connection.
    public func shutdown() async {
        let channels = state.withLock { state in
            defer { state = State() }
            return [state.listener].compactMap { $0 } + state.connections.values
        }
        for channel in channels {
            do {
                try await channel.close()
            } catch {
                logger.debug("metrics connection was closed already", metadata: ["error": "\(error)"])
            }
        }
    }

    private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let id = ObjectIdentifier(channel)
        let admitted = state.withLock { state in
            guard state.connections.count < limits.connections else { return false }
            state.connections[id] = channel
            return true
        }
        guard admitted else { return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { _ = $0.connections.removeValue(forKey: id) }
        }
        return channel.eventLoop.makeCompletedFuture { try self.configure(channel) }
    }

    private func configure(_ channel: any Channel) throws {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderListSize = limits.headerBytes
        decoding.maxHeaderFieldSize = limits.headerBytes
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(IdleStateHandler(allTimeout: limits.idleTimeout))
        try pipeline.configureHTTPServerPipeline(
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoding)
        try pipeline.addHandler(MetricsRequestHandler(logger: logger, answer: answer))
    }

    private func answer(to head: HTTPRequestHead) -> MetricsAnswer {
        guard head.method == .GET || head.method == .HEAD else {
            return MetricsAnswer(.methodNotAllowed, "only GET is answered here\n", headers: [("allow", "GET, HEAD")])
        }
        switch head.uri.prefix(while: { $0 != "?" }) {
        case "/metrics": return MetricsAnswer(.ok, registry.render(), type: PrometheusRegistry.contentType)
        case "/health":
            return serving() ? MetricsAnswer(.ok, "ok\n") : MetricsAnswer(.serviceUnavailable, "not serving\n")
        default: return MetricsAnswer(.notFound, "there are /metrics and /health\n")
        }
    }
}
