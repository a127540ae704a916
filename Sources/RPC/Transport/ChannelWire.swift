import Glibc
import NIOCore

/// The last handler of a TCP connection: gives what a SwiftNIO channel says to a driver, and what the driver says to
/// it.
final class ChannelWire: ChannelInboundHandler, Wire {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long what the other side still sends is dropped before the socket is closed. Closing with unread bytes
    /// would make the kernel send a reset, which can overtake the CLOSE frame.
    private static let lingering = TimeAmount.seconds(1)
    /// How long the last bytes may take to leave when the end is orderly. They are answers that were promised; the bound
    /// is for who takes none.
    private static let sending = TimeAmount.seconds(30)

    private let handler: any WireHandler
    private let loop: any EventLoop
    private let tls: TLSGuard?
    private var context: ChannelHandlerContext?
    /// The socket, while the channel is active.
    private var descriptor: NIOBSDSocket.Handle?
    private var isClosing = false
    /// The end of what is under way when it is closing.
    private var cutting: Scheduled<Void>?
    private var failure: String?

    /// - Parameter tls: what stands before it in the pipeline, when the connection is encrypted.
    init(handler: any WireHandler, loop: any EventLoop, tls: TLSGuard?) {
        self.handler = handler
        self.loop = loop
        self.tls = tls
    }

    // MARK: From the channel

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        // Not every kind of channel has one.
        descriptor = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable { $0 }
        handler.opened(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        handler.received(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard !isClosing else { return }
        handler.readCompleted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard !isClosing else { return }
        handler.writabilityChanged(context.channel.isWritable)
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard self.context != nil else { return }
        self.context = nil
        descriptor = nil
        cutting?.cancel()
        handler.closed(failure)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The first is the cause; closing may bring more.
        if failure == nil { failure = TCPTransport.describe(error) }
        // What still arrives is not taken: it may be of somebody whom TLS has just refused.
        isClosing = true
        context.close(promise: nil)
    }

    // MARK: From the driver

    var remoteAddress: String {
        guard let address = context?.remoteAddress else { return "unknown" }
        guard let host = address.ipAddress, let port = address.port else { return "\(address)" }
        return "\(host):\(port)"
    }

    var peerName: String? { tls?.peerName }

    var isEncrypted: Bool { tls != nil }

    var isLocal: Bool { context?.remoteAddress?.isLoopback ?? false }

    var isWritable: Bool { context?.channel.isWritable ?? true }

    var waitingBytes: Int {
        guard let options = context?.channel.syncOptions,
            let waiting = try? options.getOption(.bufferedWritableBytes)  // A closed channel has nothing waiting.
        else { return 0 }
        return waiting
    }

    func write(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    func flush() {
        context?.flush()
    }

    func awaitBytes(atMost limit: TimeAmount) -> Bool {
        guard let descriptor, !isClosing else { return false }
        var socket = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let end = loop.now + limit
        repeat {
            if poll(&socket, 1, 0) != 0 { return true }
        } while loop.now < end
        return false
    }

    func setReading(_ isReading: Bool) {
        // Fails only on a channel that is closed, where it does not matter.
        try? context?.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    func close() {
        guard startsClosing() else { return }
        cut(in: Self.lingering)
        closeOutput(promise: nil)
    }

    func finish() {
        guard startsClosing() else { return }
        cut(in: Self.sending)
        let sent = loop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.cut(in: Self.lingering) }
        closeOutput(promise: sent)
    }

    private func startsClosing() -> Bool {
        guard !isClosing, context != nil else { return false }
        isClosing = true
        setReading(true)
        context?.flush()
        return true
    }

    /// - Parameter promise: told when all that was written has left.
    private func closeOutput(promise: EventLoopPromise<Void>?) {
        // A connection refused at its opening: NIOSSL begins its handshake only after that, and until then would close
        // the socket instead of keeping this for after what is to be said.
        if tls != nil { return loop.assumeIsolated().execute { self.closeOutputNow(promise) } }
        closeOutputNow(promise)
    }

    private func closeOutputNow(_ promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.succeed()
            return
        }
        context.close(mode: .output, promise: promise)
    }

    func abort() {
        isClosing = true
        cut()
    }

    /// The last that is said counts.
    private func cut(in time: TimeAmount) {
        cutting?.cancel()
        guard context != nil else { return }
        cutting = loop.assumeIsolated().scheduleTask(in: time) { self.cut() }
    }

    private func cut() {
        if let tls { tls.abort() } else { context?.close(promise: nil) }
    }
}

extension SocketAddress {
    /// An address by which a machine reaches itself alone, also where IPv4 comes in through an IPv6 socket.
    var isLoopback: Bool {
        switch self {
        case .v4, .v6:
            guard let host = ipAddress else { return false }
            return host.hasPrefix("127.") || host == "::1" || host.hasPrefix("::ffff:127.")
        case .unixDomainSocket: return true
        }
    }
}
