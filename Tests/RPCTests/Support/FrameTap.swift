import NIOCore
import Synchronization

@testable import RPC

/// A transport that lets everything through and writes down which frames went by: what an API does not show (whether
/// a message was compressed, who asked whether somebody is there, how many connections there were) is seen here.
///
/// It belongs to who connects; frames are written down as they are handed to the wire, or taken from it.
final class FrameTap: Transport {
    struct Sighting: Hashable {
        /// From 0, in the order in which connecting began.
        var connection: Int
        var isSent: Bool
        var kind: FrameKind
        var stream: UInt32
        var isCompressed: Bool
    }

    private struct State {
        var tries: [NIODeadline] = []
        var sightings: [Sighting] = []
        var looks = 0
    }

    private let base: any Transport
    private let state = Mutex(State())

    init(_ base: any Transport) {
        self.base = base
    }

    /// When each try to connect began.
    var tries: [NIODeadline] { state.withLock { $0.tries } }

    /// How often a connection looked for its next bytes without giving its thread up.
    var looks: Int { state.withLock { $0.looks } }

    func sightings(_ kind: FrameKind, isSent: Bool) -> [Sighting] {
        state.withLock { $0.sightings.filter { $0.kind == kind && $0.isSent == isSent } }
    }

    func listen(
        host: String, port: Int, group: any EventLoopGroup,
        accept: @escaping @Sendable (any EventLoop) -> any WireHandler
    ) -> EventLoopFuture<any Listener> {
        base.listen(host: host, port: port, group: group, accept: accept)
    }

    func connect(
        host: String, port: Int, timeout: TimeAmount, on loop: any EventLoop, handler: any WireHandler
    ) -> EventLoopFuture<Void> {
        let number = state.withLock { state in
            state.tries.append(loop.now)
            return state.tries.count - 1
        }
        return base.connect(
            host: host, port: port, timeout: timeout, on: loop,
            handler: TappedHandler(handler) {
                self.state.withLock { $0.looks += 1 }
            } saw: { isSent, frame in
                let sighting = Sighting(
                    connection: number, isSent: isSent, kind: frame.kind, stream: frame.stream,
                    isCompressed: frame.flags.contains(.compressed))
                self.state.withLock { $0.sightings.append(sighting) }
            })
    }
}

/// `@unchecked Sendable`: touched on the connection's loop only, like every handler of a wire.
private final class TappedHandler: WireHandler, @unchecked Sendable {
    private let handler: any WireHandler
    private let looks: @Sendable () -> Void
    private let saw: @Sendable (_ isSent: Bool, Frame) -> Void
    private var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)

    init(
        _ handler: any WireHandler, looks: @escaping @Sendable () -> Void,
        saw: @escaping @Sendable (Bool, Frame) -> Void
    ) {
        self.handler = handler
        self.looks = looks
        self.saw = saw
    }

    func opened(_ wire: any Wire) {
        handler.opened(TappedWire(wire, looks: looks) { [saw] in saw(true, $0) })
    }

    func received(_ bytes: ByteBuffer) {
        decoder.append(bytes)
        // What is malformed is the real handler's to refuse.
        while let frame = try? decoder.next() { saw(false, frame) }
        handler.received(bytes)
    }

    func readCompleted() { handler.readCompleted() }
    func writabilityChanged(_ isWritable: Bool) { handler.writabilityChanged(isWritable) }
    func closed(_ reason: String?) { handler.closed(reason) }
}

private final class TappedWire: Wire {
    private let wire: any Wire
    private let looks: () -> Void
    private let saw: (Frame) -> Void
    private var preface = Preface()
    private var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)

    init(_ wire: any Wire, looks: @escaping () -> Void, saw: @escaping (Frame) -> Void) {
        self.wire = wire
        self.looks = looks
        self.saw = saw
    }

    var remoteAddress: String { wire.remoteAddress }
    var isWritable: Bool { wire.isWritable }
    var waitingBytes: Int { wire.waitingBytes }

    func write(_ bytes: ByteBuffer) {
        var frames = bytes
        if (try? preface.consume(&frames)) == true {  // our own client says it right
            decoder.append(frames)
            while let frame = try? decoder.next() { saw(frame) }
        }
        wire.write(bytes)
    }

    func awaitBytes(atMost limit: TimeAmount) -> Bool {
        looks()
        return wire.awaitBytes(atMost: limit)
    }

    func flush() { wire.flush() }
    func setReading(_ isReading: Bool) { wire.setReading(isReading) }
    func close() { wire.close() }
    func abort() { wire.abort() }
}
