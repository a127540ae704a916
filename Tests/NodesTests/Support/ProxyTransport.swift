import NIOCore
import RPC
import Synchronization

/// Stands between one side's connections and the network, and decides about every chunk of bytes.
struct ProxyTransport: Transport {
    enum Direction {
        case incoming
        case outgoing
    }

    enum Verdict {
        case pass
        case drop
        case cut
    }

    let network: InProcessTransport
    /// `chunk` counts those of its connection in its direction, from 0: the handshake.
    let judge: @Sendable (_ direction: Direction, _ chunk: Int) -> Verdict

    func listen(
        host: String, port: Int, group: any EventLoopGroup,
        accept: @escaping @Sendable (any EventLoop) -> any WireHandler
    ) -> EventLoopFuture<any Listener> {
        let judge = judge
        return network.listen(host: host, port: port, group: group) { ProxyHandler(accept($0), judge) }
    }

    func connect(
        host: String, port: Int, timeout: TimeAmount, on loop: any EventLoop, handler: any WireHandler
    ) -> EventLoopFuture<Void> {
        network.connect(host: host, port: port, timeout: timeout, on: loop, handler: ProxyHandler(handler, judge))
    }
}

/// A node's way to the others, closed for good at the moment it is killed.
final class Gate: Sendable {
    private let closed = Atomic<Bool>(false)

    var isClosed: Bool { closed.load(ordering: .sequentiallyConsistent) }

    func close() { closed.store(true, ordering: .sequentiallyConsistent) }

    func guarding(_ network: InProcessTransport) -> ProxyTransport {
        ProxyTransport(network: network) { _, _ in self.isClosed ? .drop : .pass }
    }
}

/// `@unchecked Sendable`: a wire's handler is called on the connection's loop only, and the wire is used there.
private final class ProxyHandler: WireHandler, @unchecked Sendable {
    private let inner: any WireHandler
    private let judge: @Sendable (ProxyTransport.Direction, Int) -> ProxyTransport.Verdict
    private var wire: (any Wire)?
    private var chunk = 0

    init(
        _ inner: any WireHandler, _ judge: @escaping @Sendable (ProxyTransport.Direction, Int) -> ProxyTransport.Verdict
    ) {
        self.inner = inner
        self.judge = judge
    }

    func opened(_ wire: any Wire) {
        self.wire = wire
        inner.opened(ProxyWire(wire, judge))
    }

    func received(_ bytes: ByteBuffer) {
        defer { chunk += 1 }
        switch judge(.incoming, chunk) {
        case .pass: inner.received(bytes)
        case .drop: break
        case .cut: wire?.abort()
        }
    }

    func readCompleted() { inner.readCompleted() }

    func writabilityChanged(_ isWritable: Bool) { inner.writabilityChanged(isWritable) }

    func closed(_ reason: String?) {
        wire = nil
        inner.closed(reason)
    }
}

private final class ProxyWire: Wire {
    private let inner: any Wire
    private let judge: @Sendable (ProxyTransport.Direction, Int) -> ProxyTransport.Verdict
    private var chunk = 0

    init(_ inner: any Wire, _ judge: @escaping @Sendable (ProxyTransport.Direction, Int) -> ProxyTransport.Verdict) {
        self.inner = inner
        self.judge = judge
    }

    var remoteAddress: String { inner.remoteAddress }
    var isWritable: Bool { inner.isWritable }
    var waitingBytes: Int { inner.waitingBytes }

    func write(_ bytes: ByteBuffer) {
        defer { chunk += 1 }
        switch judge(.outgoing, chunk) {
        case .pass: inner.write(bytes)
        case .drop: break
        case .cut: inner.abort()
        }
    }

    func flush() { inner.flush() }

    func setReading(_ isReading: Bool) { inner.setReading(isReading) }

    func close() { inner.close() }

    func abort() { inner.abort() }
}
