import DequeModule
import NIOCore

/// One end of an in-process connection.
///
/// `@unchecked Sendable`: `loop` and `remoteAddress` do not change; everything else, `other` too, is touched on `loop`
/// only, which each method called from the other end enters first, by its `loop`.
final class InProcessWire: Wire, @unchecked Sendable {
    /// SwiftNIO's own marks for a socket: above the high one it is not writable, until below the low one.
    private static let highWaterBytes = 64 << 10
    private static let lowWaterBytes = 32 << 10

    let remoteAddress: String
    let isLocal = true
    private let loop: any EventLoop
    private var other: InProcessWire?
    private var handler: (any WireHandler)?
    private var pending = ByteBuffer()
    private var held = Deque<ByteBuffer>()
    private var isReading = true
    private var isClosing = false
    private(set) var isWritable = true
    private(set) var waitingBytes = 0

    init(loop: any EventLoop, remoteAddress: String) {
        self.loop = loop
        self.remoteAddress = remoteAddress
    }

    func open(to other: InProcessWire, handler: any WireHandler) {
        loop.preconditionInEventLoop()
        self.other = other
        self.handler = handler
        handler.opened(self)
    }

    // MARK: From the driver

    func write(_ bytes: ByteBuffer) {
        guard !isClosing else { return }
        waitingBytes += bytes.readableBytes
        pending.writeImmutableBuffer(bytes)
    }

    func flush() {
        guard pending.readableBytes > 0, let other else { return }
        let bytes = pending
        pending = ByteBuffer()
        other.loop.execute { other.arrived(bytes) }
        updateWritability()
    }

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        guard isReading, !held.isEmpty else { return }
        loop.execute { self.deliver() }
    }

    func close() {
        flush()
        abort()
    }

    func abort() {
        isClosing = true
        guard let other else { return }
        self.other = nil
        other.loop.execute { other.ended() }
        loop.execute { self.ended() }
    }

    // MARK: From the other end

    private func arrived(_ bytes: ByteBuffer) {
        held.append(bytes)
        deliver()
    }

    private func deliver() {
        while isReading, let bytes = held.popFirst() {
            let count = bytes.readableBytes
            if let other { other.loop.execute { other.left(count) } }
            guard !isClosing else { continue }
            handler?.received(bytes)
            handler?.readCompleted()
        }
    }

    private func left(_ count: Int) {
        waitingBytes -= count
        updateWritability()
    }

    private func updateWritability() {
        let now = isWritable ? waitingBytes <= Self.highWaterBytes : waitingBytes < Self.lowWaterBytes
        guard now != isWritable else { return }
        isWritable = now
        handler?.writabilityChanged(now)
    }

    private func ended() {
        isClosing = true
        other = nil
        guard let handler else { return }
        self.handler = nil
        handler.closed(nil)
    }
}
