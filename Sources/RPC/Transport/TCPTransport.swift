import NIOCore
import NIOPosix
import NIOSSL

/// Connections over TCP, with TLS when there are credentials for it.
public struct TCPTransport: Transport {
    private let group: any EventLoopGroup
    private let credentials: TLSCredentials?

    /// `group` accepts connections; where they run is said by `listen` and `connect`.
    public init(group: any EventLoopGroup, tls credentials: TLSCredentials? = nil) {
        self.group = group
        self.credentials = credentials
    }

    /// A read grows to hold several large messages whole, so that few are put together from parts.
    private static let readBuffers = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 2048, maximum: 524_288)

    /// What a server takes in one turn of its loop, of four such reads, may be answered before anybody else's turn.
    private static let serverReadBuffers = AdaptiveRecvByteBufferAllocator(
        minimum: 64, initial: 2048, maximum: 262_144)

    /// A socket is full when several large messages wait for it, and takes more before the last of them has left.
    private static let waterMarks = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

    public var namesPeers: Bool { credentials?.clientCertificates == .peers }

    public func listen(
        host: String, port: Int, group children: any EventLoopGroup,
        accept: @escaping @Sendable (any EventLoop) -> any WireHandler
    ) -> EventLoopFuture<any Listener> {
        if let credentials, credentials.server == nil {
            let refusal = TransportError("cannot listen on \(host):\(port) with TLS: there is no certificate")
            return group.next().makeFailedFuture(refusal)
        }
        let server = credentials?.server
        return ServerBootstrap(group: group, childGroup: children)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMarks)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.recvAllocator, value: Self.serverReadBuffers)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = server.map { NIOSSLServerHandler(context: $0) }
                    try Self.fill(channel, tls, isServer: true, handler: accept(channel.eventLoop))
                }
            }
            .bind(host: host, port: port)
            .map { TCPListener(channel: $0) }
            .flatMapErrorThrowing {
                throw TransportError("cannot listen on \(host):\(port): \(Self.describe($0))")
            }
    }

    public func connect(
        host: String, port: Int, timeout: TimeAmount, on loop: any EventLoop, handler: any WireHandler
    ) -> EventLoopFuture<Void> {
        let client = credentials?.client
        return ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.waterMarks)
            .channelOption(.maxMessagesPerRead, value: 16)
            .channelOption(.recvAllocator, value: Self.readBuffers)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try client.map { try NIOSSLClientHandler(context: $0, serverHostname: nil) }
                    try Self.fill(channel, tls, isServer: false, handler: handler)
                }
            }
            .connect(to: host, port: port)
            .map { _ in }
            .flatMapErrorThrowing { throw Self.connectError($0, target: "\(host):\(port)") }
    }

    /// Puts the handlers of a connection into its pipeline: TLS first, the wire last.
    private static func fill(
        _ channel: any NIOCore.Channel, _ tls: NIOSSLHandler?, isServer: Bool, handler: any WireHandler
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        let sentry = tls.map { TLSGuard($0, isServer: isServer) }
        if let tls, let sentry {
            try pipeline.addHandlers([tls, sentry])
        } else if !isServer {
            try pipeline.addHandler(TLSAlertWatch())
        }
        try pipeline.addHandler(ChannelWire(handler: handler, loop: channel.eventLoop, tls: sentry))
    }

    private static func connectError(_ error: any Error, target: String) -> TransportError {
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return connectError(first.error, target: target) }
            return TransportError("the host of \(target) is not known")
        }
        if let error = error as? IOError, error.errnoCode == ECONNREFUSED {
            return TransportError("connection refused by \(target)")
        }
        if let error = error as? ChannelError, case .connectTimeout = error {
            return TransportError("no answer from \(target) while connecting")
        }
        return TransportError("cannot connect to \(target): \(describe(error))")
    }

    /// What the system says, without the name of the call that said it where it can be told apart.
    static func describe(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return switch error.errnoCode {
        case ECONNRESET: "connection reset"
        case EPIPE: "broken pipe"
        case EADDRINUSE: "the address is in use"
        case EACCES: "permission denied"
        default: error.description
        }
    }
}

private struct TCPListener: Listener {
    let channel: any NIOCore.Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    func close() -> EventLoopFuture<Void> {
        // Closed already is as good as closed now.
        channel.close().flatMapError { [loop = channel.eventLoop] _ in loop.makeSucceededVoidFuture() }
    }
}

extension ClientBootstrap {
    /// A numeric address is used as it is: looking it up, and racing what comes of it, would take a quarter of a second
    /// before a refused connection is said to be refused.
    fileprivate func connect(to host: String, port: Int) -> EventLoopFuture<any NIOCore.Channel> {
        guard let address = try? SocketAddress(ipAddress: host, port: port) else {  // a name, then
            return connect(host: host, port: port)
        }
        return connect(to: address)
    }
}
