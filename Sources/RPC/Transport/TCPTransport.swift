import NIOCore
import NIOPosix

/// Connections over TCP.
public struct TCPTransport: Transport {
    private let group: any EventLoopGroup

    /// `group` accepts connections; where they run is said by `listen` and `connect`.
    public init(group: any EventLoopGroup) {
        self.group = group
    }

    public func listen(
        host: String, port: Int, group children: any EventLoopGroup,
        accept: @escaping @Sendable (any EventLoop) -> any WireHandler
    ) -> EventLoopFuture<any Listener> {
        ServerBootstrap(group: group, childGroup: children)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ChannelWire(handler: accept(channel.eventLoop), loop: channel.eventLoop))
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
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 16)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ChannelWire(handler: handler, loop: channel.eventLoop))
                }
            }
            .connect(to: host, port: port)
            .map { _ in }
            .flatMapErrorThrowing { throw Self.connectError($0, target: "\(host):\(port)") }
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
