import DequeModule
import NIOCore

/// The accepting side of a connection, decided: bytes and finished handlers in, bytes and commands out. It owns the
/// handshake, the table of streams, their deadlines and their credit, and knows no socket, clock or task.
struct ServerConnection {
    struct Configuration: Sendable {
        var handshake: ServerHandshake.Configuration
        var handshakeTimeout: TimeAmount
        /// How long the other side may leave answers unread.
        var stallTimeout: TimeAmount
        var compressFrom: Int?
        /// CANCEL frames a second above which the connection ends: each costs a started handler.
        var maxCancelsPerSecond: Int
    }

    enum Command {
        case opened(role: Role, nodeId: String)
        /// Run the handler; `finished` must be called once for it.
        case start(stream: UInt32, Request)
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
    }

    struct Stream {
        var credit: Int
        /// Messages that wait for credit.
        var waiting = Deque<[UInt8]>()
        /// The end, when it waits behind messages.
        var end: (Result<Answer, RPCError>, LoadReport)?
        /// Answered before its handler ended; it counts until the handler has.
        var isAnswered = false
        var isBlocked = false
    }

    enum Phase {
        case handshake
        case open
        case closed
    }

    private let configuration: Configuration
    private var preface = Preface()
    private var decoder = FrameDecoder(maxPayloadBytes: ServerHandshake.maxFrameBytes)
    private var handshake: ServerHandshake
    private let handshakeDeadline: NIODeadline
    private var stallDeadline: NIODeadline?
    private var cancels = RateWindow()
    private var isGoingAway = false
    private var lastStream: UInt32 = 0
    private var ours = Limits.client
    var phase = Phase.handshake
    var theirs = Limits.client
    var coding = MessageCoding(compressFrom: nil, acceptsCompressed: false, maxMessageBytes: 0)
    var streams: [UInt32: Stream] = [:]
    var deadlines = DeadlineQueue()
    var credit = 0
    /// Streams with messages that wait for credit, in the order in which they came to wait.
    var blocked: [UInt32] = []

    init(configuration: Configuration, nonce: [UInt8], now: NIODeadline) {
        self.configuration = configuration
        handshake = ServerHandshake(configuration: configuration.handshake, nonce: nonce)
        handshakeDeadline = now + configuration.handshakeTimeout
    }

    /// When `tick` must be called at the latest.
    var nextDeadline: NIODeadline? {
        switch phase {
        case .handshake: handshakeDeadline
        case .open: [deadlines.earliest, stallDeadline].compactMap { $0 }.min()
        case .closed: nil
        }
    }

    // MARK: Bytes

    mutating func received(_ bytes: ByteBuffer, now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        do throws(ProtocolViolation) {
            var bytes = bytes
            guard try preface.consume(&bytes) else { return }
            decoder.append(bytes)
            while phase != .closed, let frame = try decoder.next() {
                try received(frame, now: now, into: &actions)
            }
        } catch {
            fail(error, into: &actions)
        }
    }

    private mutating func received(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        guard phase == .open else { return try shakeHands(frame, into: &actions) }
        switch frame.kind {
        case .request: try request(frame, now: now, into: &actions)
        case .cancel: try cancelled(frame.stream, now: now, into: &actions)
        case .credit: try credited(frame, into: &actions)
        case .ping: try ping(frame, into: &actions)
        case .pong: break
        case .message: try lateMessage(frame)
        case .close: closedByPeer(into: &actions)
        case .hello, .welcome, .proof, .response, .goAway:
            throw .malformed("a \(frame.kind) frame from the connecting side of an open connection")
        }
    }

    private mutating func shakeHands(
        _ frame: Frame, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        if frame.kind == .close { return closedByPeer(into: &actions) }
        guard let agreement = try handshake.received(frame, into: &actions.output) else { return }
        phase = .open
        (ours, theirs) = (agreement.ours, agreement.theirs)
        credit = theirs.connectionCreditBytes
        decoder.maxPayloadBytes = ours.maxFrameBytes
        let lz4 = agreement.features.contains(.lz4)
        coding = MessageCoding(
            compressFrom: lz4 ? configuration.compressFrom : nil, acceptsCompressed: lz4,
            maxMessageBytes: ours.maxMessageBytes)
        actions.commands.append(.opened(role: agreement.role, nodeId: agreement.nodeId))
        if isGoingAway { sayGoAway("the server is shutting down", into: &actions) }
    }

    // MARK: Requests

    private mutating func request(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        guard frame.stream % 2 == 1, frame.stream > lastStream else {
            throw .malformed("stream \(frame.stream) after stream \(lastStream): ids are odd and grow")
        }
        // What came after GOAWAY was told not to be served; its sender knows.
        if isGoingAway { return }
        lastStream = frame.stream
        var payload = frame.payload
        let head = try RequestHead(from: &payload)
        let message = try coding.read(payload, flags: frame.flags)
        guard streams.count < ours.maxConcurrentStreams else {
            return refuse(
                frame.stream, .tooMany("streams on this connection", ours.maxConcurrentStreams), into: &actions)
        }
        guard frame.flags.contains(.endStream) else {
            return refuse(
                frame.stream, RPCError(.unimplemented, "version 1 takes a request in one frame", ran: .no),
                into: &actions)
        }
        streams[frame.stream] = Stream(credit: theirs.streamCreditBytes)
        let deadline = head.remainingMs == 0 ? nil : now + .milliseconds(Int64(head.remainingMs))
        if let deadline { deadlines.insert(frame.stream, deadline: deadline) }
        actions.commands.append(
            .start(stream: frame.stream, Request(head: head, deadline: deadline, message: message)))
    }

    private mutating func refuse(_ stream: UInt32, _ error: RPCError, into actions: inout Actions<Command>) {
        writeResponse(stream, .failure(error), load: LoadReport(), into: &actions.output)
    }

    private mutating func cancelled(
        _ id: UInt32, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        // A stream that has just ended: the two frames crossed.
        guard streams[id]?.isAnswered == false else { return }
        guard cancels.count(now: now) <= configuration.maxCancelsPerSecond else {
            throw ProtocolViolation(
                .resourceExhausted, "more than \(configuration.maxCancelsPerSecond) cancelled calls in a second")
        }
        silence(id, RPCError(.cancelled, "the caller cancelled", ran: .unknown), into: &actions)
    }

    /// Nothing more is said on `id`; its place is kept until its handler has ended.
    private mutating func silence(_ id: UInt32, _ error: RPCError, into actions: inout Actions<Command>) {
        streams[id]?.isAnswered = true
        streams[id]?.waiting.removeAll()
        streams[id]?.end = nil
        actions.commands.append(.cancel(stream: id, error))
    }

    private func lateMessage(_ frame: Frame) throws(ProtocolViolation) {
        guard frame.stream % 2 == 1, frame.stream <= lastStream else {
            throw .malformed("a MESSAGE on stream \(frame.stream), which was not opened")
        }
    }

    private func ping(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        guard frame.payload.readableBytes == 8 else { throw .malformed("a PING whose payload is not 8 bytes") }
        FrameEncoder.write(.pong, payload: Array(frame.payload.readableBytesView), into: &actions.output)
    }

    // MARK: Time

    mutating func tick(now: NIODeadline, into actions: inout Actions<Command>) {
        if phase == .handshake, now >= handshakeDeadline {
            return fail(ProtocolViolation(.deadlineExceeded, "the handshake took too long"), into: &actions)
        }
        if let stallDeadline, now >= stallDeadline {
            return fail(ProtocolViolation(.resourceExhausted, "answers were left unread for too long"), into: &actions)
        }
        while let id = deadlines.popDue(now: now) {
            guard streams[id]?.isAnswered == false else { continue }
            let error = RPCError(
                .deadlineExceeded, "the call's time was over before its handler was done", ran: .unknown)
            writeResponse(id, .failure(error), load: LoadReport(), into: &actions.output)
            silence(id, error, into: &actions)
        }
    }

    /// The socket takes no more, or takes again.
    mutating func writabilityChanged(_ isWritable: Bool, now: NIODeadline) {
        stallDeadline = isWritable ? nil : now + configuration.stallTimeout
    }

    // MARK: The end

    /// Tells the other side to open nothing more; the connection closes when what runs has ended.
    mutating func goAway(_ reason: String, into actions: inout Actions<Command>) {
        guard !isGoingAway, phase != .closed else { return }
        isGoingAway = true
        if phase == .open { sayGoAway(reason, into: &actions) }
    }

    private mutating func sayGoAway(_ reason: String, into actions: inout Actions<Command>) {
        let message = GoAway(lastStream: lastStream, reason: reason)
        FrameEncoder.write(.goAway, payload: message.packed(), into: &actions.output)
        closeIfDone(into: &actions)
    }

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

    private mutating func closedByPeer(into actions: inout Actions<Command>) {
        end(nil, into: &actions)
    }

    private mutating func end(_ violation: ProtocolViolation?, into actions: inout Actions<Command>) {
        phase = .closed
        let error = RPCError(.cancelled, "the caller's connection is gone", ran: .unknown)
        for id in streams.keys.sorted() where streams[id]?.isAnswered == false {
            silence(id, error, into: &actions)
        }
        actions.commands.append(.close(violation))
    }

    mutating func closeIfDone(into actions: inout Actions<Command>) {
        guard isGoingAway, phase == .open, streams.isEmpty else { return }
        phase = .closed
        actions.commands.append(.close(nil))
    }
}

extension RPCError {
    /// Nothing was done because `limit` of `what` are in use; later it may go.
    static func tooMany(_ what: String, _ limit: Int) -> RPCError {
        RPCError(.resourceExhausted, "more than \(limit) \(what)", ran: .no, retryable: true)
    }
}
