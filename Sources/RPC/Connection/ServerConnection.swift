import DequeModule
import NIOCore

/// The accepting side of a connection, decided: bytes and finished handlers in, bytes and commands out. It owns the
/// handshake, the table of streams, their deadlines and their credit, and knows no socket, clock or task.
struct ServerConnection {
    struct Configuration: Sendable {
        var handshake: ServerHandshake.Configuration
        var handshakeTimeout: TimeAmount
        /// How long a frame may take from its first byte to its last.
        var frameTimeout: TimeAmount
        /// How long the other side may take nothing of what waits for it.
        var stallTimeout: TimeAmount
        var compressFrom: Int?
        /// CANCEL frames a second above which the connection ends: each costs a started handler.
        var maxCancelsPerSecond: Int
        var keepalive: KeepaliveConfiguration
        var minPingInterval: TimeAmount
        var age: ConnectionAge.Configuration
        /// What finished handlers' answers may take while they wait for the socket; above it they become errors.
        var maxHeldBytes = 67_108_864
    }

    enum Command {
        case opened(role: Role, nodeId: String)
        /// Run the handler; `finished` must be called once for it.
        case start(stream: UInt32, Request)
        /// One of the caller's messages; `consumed` must be called with its cost once it is used up.
        case message(stream: UInt32, [UInt8], cost: Int)
        /// The caller says no more on this stream.
        case end(stream: UInt32)
        /// Nothing more will be said on this stream: cancel its handler, fail its waiting writes.
        case cancel(stream: UInt32, RPCError)
        /// The oldest waiting write of this stream went out.
        case written(stream: UInt32)
        /// Send what is to be sent, then close; a violation when the other side is to blame.
        case close(ProtocolViolation?)
    }

    struct Request {
        var head: RequestHead
        var deadline: NIODeadline?
        var message: [UInt8]
        /// The message came as an LZ4 block.
        var isCompressed: Bool
        /// Of the head, with session and metadata, and of the message.
        var bytes: Int
    }

    struct Stream {
        let method: UInt16
        let opened: NIODeadline
        /// The caller may send messages.
        var isListening: Bool
        /// The end, when it waits behind messages or for the socket.
        var end: HeldAnswer?
        /// METADATA, or what must not come before it, was said.
        var hasSpoken = false
        /// Answered before its handler ended; it counts until the handler has.
        var isAnswered = false
    }

    /// An answer that is ready, as it will be said: often much smaller than what a handler gave.
    struct HeldAnswer {
        var frames = ByteBuffer()
        var succeeded = false
    }

    enum Phase {
        case handshake
        case open
        case closed
    }

    let configuration: Configuration
    private var preface = Preface()
    private var decoder = FrameDecoder(maxPayloadBytes: ServerHandshake.maxFrameBytes)
    private var handshake: ServerHandshake
    private let handshakeDeadline: NIODeadline
    private var stall: StallWatch
    private var frameDeadline: NIODeadline?
    /// The socket takes no more, and nothing is read from it, since then.
    private var deafSince: NIODeadline?
    /// Something waits until the socket takes more, or what was said is handed on: see ``goOn(now:into:)``.
    var isHeldUp = false
    /// Streams whose answers wait for that, in order; some may have ended otherwise.
    var heldAnswers = Deque<UInt32>()
    var heldBytes = 0
    /// Of requests and messages that were decompressed in this turn.
    var inflatedBytes = 0
    var cancels = RateWindow()
    var pings: PingAllowance
    var keepalive: Keepalive
    var roundTrip = RoundTripTimer()
    var age: ConnectionAge
    /// The last stream that was served; the last GOAWAY says it.
    var lastStream: UInt32 = 0
    /// The last one that was opened, also after that.
    var lastSeen: UInt32 = 0
    private(set) var ours = Limits.client
    private(set) var theirs = Limits.client
    var phase = Phase.handshake
    /// The node that the other side's certificate names; the driver sets it before the first bytes.
    var peerName: String?
    var coding = MessageCoding(compressFrom: nil, acceptsCompressed: false, maxMessageBytes: 0)
    var streams = StreamTable<Stream>()
    /// Requests that came and are to be answered at once; the driver takes them after each read.
    var inPlace: [InPlaceRequest] = []
    var deadlines = DeadlineQueue()
    var outgoing = OutgoingMessages()
    var incoming = IncomingMessages(.client)
    var traffic = Traffic()

    init(configuration: Configuration, nonce: [UInt8], now: NIODeadline, jitter: Double = 0.5) {
        self.configuration = configuration
        handshake = ServerHandshake(configuration: configuration.handshake, nonce: nonce)
        handshakeDeadline = now + configuration.handshakeTimeout
        stall = StallWatch(timeout: configuration.stallTimeout)
        keepalive = Keepalive(configuration.keepalive, now: now)
        pings = PingAllowance(minInterval: configuration.minPingInterval)
        age = ConnectionAge(configuration.age, now: now, jitter: jitter)
    }

    /// When `tick` must be called at the latest.
    var nextDeadline: NIODeadline? {
        switch phase {
        case .handshake: return handshakeDeadline
        case .open:
            var due = deadlines.earliest ?? .distantFuture
            due = min(due, stall.due ?? due)
            if deafSince == nil {
                due = min(due, frameDeadline ?? due)
                due = min(due, keepalive.due(hasCalls: !streams.isEmpty) ?? due)
            }
            due = min(due, age.due ?? due)
            return due == .distantFuture ? nil : due
        case .closed: return nil
        }
    }

    /// Bytes that the other side makes this one keep; without what runs, and what was handed to the socket.
    var keptBytes: Int {
        let requests = inPlace.reduce(0) { $0 + $1.payload.readableBytes + ($1.decompressed?.count ?? 0) }
        return decoder.heldBytes + heldBytes + outgoing.waitingBytes + requests
    }

    // MARK: Bytes

    mutating func received(_ bytes: ByteBuffer, now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        keepalive.heard(now: now)
        traffic.bytesIn += UInt64(bytes.readableBytes)
        do throws(ProtocolViolation) {
            var bytes = bytes
            guard try preface.consume(&bytes) else { return }
            decoder.append(bytes)
            // Its turn comes behind what waits.
            if !isHeldUp { try decode(now: now, into: &actions) }
        } catch {
            fail(error, into: &actions)
        }
    }

    /// Takes the frames that came, or a turn's worth of them: the rest waits until their answers were handed on.
    private mutating func decode(now: NIODeadline, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        inflatedBytes = 0
        var isWhole = false
        while phase != .closed {
            guard takesFrames(actions) else {
                isHeldUp = true
                if isWhole { frameDeadline = nil }
                return
            }
            guard let frame = try decoder.next() else { break }
            isWhole = true
            try received(frame, now: now, into: &actions)
        }
        watchFrame(isWhole, now: now)
    }

    /// Requests that are taken in one turn.
    private static let mostInATurn = 1024

    // Asked for every frame, and so without a call that would hold on to what it looks at.
    @inline(__always) private func takesFrames(_ actions: Actions<Command>) -> Bool {
        phase == .handshake
            || (maySay(actions.output) && actions.commands.count < Self.mostInATurn
                && inPlace.count < Self.mostInATurn && inflatedBytes < ByteBuffer.mostSaid)
    }

    // MARK: Going on

    /// The socket takes more, and so does what is to be handed to it. It is a third credit: what can wait for it waits
    /// where it came from, requests as bytes, answers and messages in their streams.
    @inline(__always) func maySay(_ output: ByteBuffer) -> Bool { deafSince == nil && output.hasRoom }

    var mayGoOn: Bool { isHeldUp && deafSince == nil && phase == .open }

    /// Says what waited, and takes what came meanwhile.
    mutating func goOn(now: NIODeadline, into actions: inout Actions<Command>) {
        guard mayGoOn else { return }
        isHeldUp = false
        letOut(into: &actions)
        // Who has not heard the last answers has asked enough.
        guard !isHeldUp, inPlace.isEmpty else {
            isHeldUp = true
            return
        }
        do throws(ProtocolViolation) {
            try decode(now: now, into: &actions)
        } catch {
            fail(error, into: &actions)
        }
    }

    /// A frame that is sent byte by byte holds memory and a place for as long as it lasts.
    private mutating func watchFrame(_ hasEndedOne: Bool, now: NIODeadline) {
        if !decoder.isMidFrame {
            frameDeadline = nil
        } else if frameDeadline == nil || hasEndedOne {
            frameDeadline = now + configuration.frameTimeout
        }
    }

    private mutating func received(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        guard phase == .open else { return try shakeHands(frame, now: now, into: &actions) }
        switch frame.kind {
        case .request: try request(frame, now: now, into: &actions)
        case .message: try message(frame, into: &actions)
        case .end: try ended(frame, into: &actions)
        case .cancel: try cancelled(frame.stream, now: now, into: &actions)
        case .credit: try credited(frame, into: &actions)
        case .ping: try ping(frame, now: now, into: &actions)
        case .pong: ponged(frame, now: now, into: &actions)
        case .close: end(nil, into: &actions)
        case .hello, .welcome, .proof, .response, .goAway, .metadata:
            throw .malformed("a \(frame.kind) frame from the connecting side of an open connection")
        }
    }

    private mutating func shakeHands(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        if frame.kind == .close { return end(nil, into: &actions) }
        guard let agreement = try handshake.received(frame, peerName: peerName, into: &actions.output)
        else { return }
        phase = .open
        (ours, theirs) = (agreement.ours, agreement.theirs)
        outgoing.agreed(theirs)
        incoming = IncomingMessages(ours)
        decoder.maxPayloadBytes = ours.maxFrameBytes
        let lz4 = agreement.features.contains(.lz4)
        coding = MessageCoding(
            compressFrom: lz4 ? configuration.compressFrom : nil, acceptsCompressed: lz4,
            maxMessageBytes: ours.maxMessageBytes)
        age.opened(now: now)
        actions.commands.append(.opened(role: agreement.role, nodeId: agreement.nodeId))
        announceGoAway(now: now, into: &actions)
    }

    // MARK: Time

    /// - Parameter waiting: bytes that were written and have not left.
    mutating func tick(now: NIODeadline, waiting: Int = 0, into actions: inout Actions<Command>) {
        if let violation = overdue(now: now, waiting: waiting) { return fail(violation, into: &actions) }
        while let id = deadlines.popDue(now: now) {
            guard streams[id]?.isAnswered == false else { continue }
            let error = RPCError(
                .deadlineExceeded, "the call's time was over before its handler was done", ran: .unknown)
            writeResponse(id, .failure(error), load: LoadReport(), into: &actions.output)
            silence(id, error, into: &actions)
        }
        guard phase == .open else { return }
        tickKeepalive(now: now, into: &actions)
        guard phase == .open else { return }
        tickAge(now: now, into: &actions)
    }

    private mutating func tickKeepalive(now: NIODeadline, into actions: inout Actions<Command>) {
        // Who is not listened to is not heard.
        guard deafSince == nil else { return }
        switch keepalive.tick(now: now, hasCalls: !streams.isEmpty) {
        case .ping: ping(PingPayload.keepalive, now: now, into: &actions)
        case .lost: fail(ProtocolViolation(.unavailable, "nothing was heard for too long"), into: &actions)
        case nil: break
        }
    }

    private mutating func overdue(now: NIODeadline, waiting: Int) -> ProtocolViolation? {
        if phase == .handshake, now >= handshakeDeadline {
            return ProtocolViolation(.deadlineExceeded, "the handshake took too long")
        }
        if stall.isStalled(gone: gone(waiting), now: now) {
            return ProtocolViolation(.resourceExhausted, "answers were left unread for too long")
        }
        if phase == .open, deafSince == nil, let frameDeadline, now >= frameDeadline {
            return ProtocolViolation(.deadlineExceeded, "a frame took too long to arrive")
        }
        return nil
    }

    /// The socket takes no more, and nothing is read until it takes again: what the other side's frames and signs of life
    /// may take is measured in the time in which they are listened to.
    ///
    /// - Parameter waiting: bytes that were written and have not left.
    mutating func writabilityChanged(_ isWritable: Bool, waiting: Int = 0, now: NIODeadline) {
        stall.changed(isWritable: isWritable, gone: gone(waiting), now: now)
        if isWritable, let deafSince {
            keepalive.heard(now: now)
            frameDeadline = frameDeadline.map { $0 + (now - deafSince) }
        }
        deafSince = isWritable ? nil : now
        outgoing.isWritable = isWritable
        if outgoing.waitsForTransport { isHeldUp = true }
    }

    private func gone(_ waiting: Int) -> Int { Int(traffic.bytesOut) - waiting }

    // MARK: The end

    /// Ends the connection with a reason; handlers that still run are cancelled.
    mutating func fail(_ violation: ProtocolViolation, into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        let close = Close(code: violation.code, reason: violation.reason)
        FrameEncoder.write(.close, payload: close.packed(), into: &actions.output)
        end(violation, into: &actions)
    }

    /// The transport is gone.
    mutating func lost(into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        end(nil, into: &actions)
    }

    private mutating func end(_ violation: ProtocolViolation?, into actions: inout Actions<Command>) {
        phase = .closed
        // Handlers may go on for a while.
        decoder = FrameDecoder(maxPayloadBytes: 0)
        let error = RPCError(.cancelled, "the caller's connection is gone", ran: .unknown)
        for id in streams.keys where streams[id]?.isAnswered == false {
            silence(id, error, into: &actions)
        }
        actions.commands.append(.close(violation))
    }
}
