import NIOCore

/// The connecting side of a connection, decided: calls and bytes in, bytes and commands out. Calls may be given before
/// the handshake is done; they wait here, under their own deadlines.
struct ClientConnection {
    struct Configuration: Sendable {
        /// Where to, for error messages.
        var target: String
        var clusterId: String
        var identity: ClientHandshake.Identity
        var limits: Limits
        var features: Features
        /// For connecting and the handshake together.
        var connectTimeout: TimeAmount
        var compressFrom: Int?
    }

    enum Command {
        case opened(nodeId: String)
        case message(stream: UInt32, [UInt8], cost: Int)
        case completed(stream: UInt32, Result<Reply, RPCError>)
        /// Give new calls to another connection.
        case goingAway
        /// Send what is to be sent, then close. The error is why new calls would fail; nil after GOAWAY.
        case close(RPCError?)
    }

    struct Request: Sendable {
        var method: String
        var isStreaming: Bool
        var options: CallOptions
        var message: [UInt8]
        var deadline: NIODeadline?
    }

    struct Stream {
        var isStreaming: Bool
        /// nil once it was sent.
        var unsent: Request?
        var window: ReceiveWindow
    }

    enum Phase {
        case connecting
        case handshake
        case open
        case goingAway
        case closed
    }

    let configuration: Configuration
    private let handshake: ClientHandshake
    private let connectDeadline: NIODeadline
    private var decoder = FrameDecoder(maxPayloadBytes: ClientHandshake.maxFrameBytes)
    private var nextStream: UInt32 = 1
    var methods: [String: MethodEntry] = [:]
    var serverNodeId = ""
    var phase = Phase.connecting
    var theirs = Limits.client
    var coding = MessageCoding(compressFrom: nil, acceptsCompressed: false, maxMessageBytes: 0)
    var streams: [UInt32: Stream] = [:]
    /// Streams whose request has left.
    var sentCount = 0
    var deadlines = DeadlineQueue()
    var window: ReceiveWindow

    init(configuration: Configuration, nonce: [UInt8], now: NIODeadline) {
        self.configuration = configuration
        handshake = ClientHandshake(
            clusterId: configuration.clusterId, identity: configuration.identity, limits: configuration.limits,
            features: configuration.features, nonce: nonce)
        connectDeadline = now + configuration.connectTimeout
        window = ReceiveWindow(size: configuration.limits.connectionCreditBytes)
    }

    /// When `tick` must be called at the latest.
    var nextDeadline: NIODeadline? {
        switch phase {
        case .connecting, .handshake: min(connectDeadline, deadlines.earliest ?? connectDeadline)
        case .open, .goingAway: deadlines.earliest
        case .closed: nil
        }
    }

    /// False when ids have run out, which is when a new connection is due.
    var takesCalls: Bool { (phase == .connecting || phase == .handshake || phase == .open) && nextStream < .max - 2 }

    /// The transport is there: says hello.
    mutating func connected(into actions: inout Actions<Command>) {
        guard phase == .connecting else { return }
        phase = .handshake
        handshake.start(into: &actions.output)
    }

    // MARK: Calls

    /// Takes a call and returns its stream. It is sent now, or after the handshake. `takesCalls` must be true.
    mutating func call(_ request: Request, now: NIODeadline, into actions: inout Actions<Command>) -> UInt32 {
        let id = nextStream
        nextStream += 2
        streams[id] = Stream(
            isStreaming: request.isStreaming, unsent: request,
            window: ReceiveWindow(size: configuration.limits.streamCreditBytes))
        if let deadline = request.deadline { deadlines.insert(id, deadline: deadline) }
        if phase == .open { send(id, now: now, into: &actions) }
        return id
    }

    /// The caller wants no answer any more.
    mutating func cancel(_ id: UInt32, into actions: inout Actions<Command>) {
        abandon(id, .cancelled, "the call was cancelled", into: &actions)
    }

    mutating func abandon(_ id: UInt32, _ code: StatusCode, _ message: String, into actions: inout Actions<Command>) {
        guard let stream = streams[id] else { return }
        let wasSent = stream.unsent == nil
        if wasSent, phase != .closed { FrameEncoder.write(.cancel, stream: id, into: &actions.output) }
        complete(id, .failure(RPCError(code, message, ran: wasSent ? .unknown : .no)), into: &actions)
    }

    /// The caller has used a message up: its credit goes back.
    mutating func consumed(_ bytes: Int, on id: UInt32, into actions: inout Actions<Command>) {
        guard phase == .open || phase == .goingAway else { return }
        if let credit = streams[id]?.window.consumed(bytes) { Credit.write(credit, stream: id, into: &actions.output) }
        if let credit = window.consumed(bytes) { Credit.write(credit, stream: 0, into: &actions.output) }
    }

    // MARK: Bytes

    mutating func received(_ bytes: ByteBuffer, now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        decoder.append(bytes)
        do throws(ProtocolViolation) {
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
        if frame.kind == .close { return closed(try Close(unpacking: frame.payload), into: &actions) }
        if phase == .handshake { return try welcomed(frame, now: now, into: &actions) }
        switch frame.kind {
        case .response: try responded(frame, into: &actions)
        case .message: try messaged(frame, into: &actions)
        case .goAway: try wentAway(GoAway(unpacking: frame.payload), into: &actions)
        case .ping: try ping(frame, into: &actions)
        case .pong, .credit: break
        case .hello, .welcome, .proof, .request, .cancel, .close:
            throw .malformed("a \(frame.kind) frame from the accepting side of an open connection")
        }
    }

    private mutating func welcomed(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        let welcome = try handshake.received(frame, into: &actions.output)
        phase = .open
        serverNodeId = welcome.nodeId
        theirs = welcome.limits
        decoder.maxPayloadBytes = configuration.limits.maxFrameBytes
        let lz4 = welcome.features.intersection(configuration.features).contains(.lz4)
        coding = MessageCoding(
            compressFrom: lz4 ? configuration.compressFrom : nil, acceptsCompressed: lz4,
            maxMessageBytes: configuration.limits.maxMessageBytes)
        for method in welcome.methods { methods[method.name] = method }
        actions.commands.append(.opened(nodeId: welcome.nodeId))
        for id in streams.keys.sorted() { send(id, now: now, into: &actions) }
    }

    private func ping(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        guard frame.payload.readableBytes == 8 else { throw .malformed("a PING whose payload is not 8 bytes") }
        FrameEncoder.write(.pong, payload: Array(frame.payload.readableBytesView), into: &actions.output)
    }

    // MARK: Time

    mutating func tick(now: NIODeadline, into actions: inout Actions<Command>) {
        while let id = deadlines.popDue(now: now) {
            abandon(id, .deadlineExceeded, "no answer from \(configuration.target) in time", into: &actions)
        }
        if phase == .connecting || phase == .handshake, now >= connectDeadline {
            lost("no answer from \(configuration.target) while connecting", into: &actions)
        }
        closeIfDone(into: &actions)
    }

    // MARK: The end

    /// The transport failed, or could not be had. What was sent may have run.
    mutating func lost(_ reason: String, into actions: inout Actions<Command>) {
        end(RPCError(.unavailable, reason, ran: .no, retryable: true), into: &actions)
    }

    private mutating func fail(_ violation: ProtocolViolation, into actions: inout Actions<Command>) {
        let close = Close(code: violation.code, reason: violation.reason)
        FrameEncoder.write(.close, payload: close.packed(), into: &actions.output)
        let message = "\(configuration.target): \(violation.reason)"
        // In the handshake the violation says what is configured wrongly; later it is one more lost connection.
        let code = phase == .handshake ? violation.code : .unavailable
        end(RPCError(code, message, ran: .no, retryable: code == .unavailable), into: &actions)
    }

    private mutating func closed(_ close: Close, into actions: inout Actions<Command>) {
        let code = phase == .handshake && close.code != .ok ? close.code : .unavailable
        let message = "\(configuration.target) closed the connection: \(close.reason)"
        end(RPCError(code, message, ran: .no, retryable: code == .unavailable), into: &actions)
    }

    private mutating func end(_ error: RPCError, into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        let wasGoingAway = phase == .goingAway
        phase = .closed
        for id in streams.keys.sorted() {
            var own = error
            if streams[id]?.unsent == nil { (own.ran, own.retryable) = (.unknown, false) }
            complete(id, .failure(own), into: &actions)
        }
        actions.commands.append(.close(wasGoingAway ? nil : error))
    }

    mutating func complete(_ id: UInt32, _ result: Result<Reply, RPCError>, into actions: inout Actions<Command>) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        if stream.unsent == nil { sentCount -= 1 }
        deadlines.sweep(liveCount: streams.count) { streams[$0] != nil }
        actions.commands.append(.completed(stream: id, result))
    }

    mutating func closeIfDone(into actions: inout Actions<Command>) {
        guard phase == .goingAway, streams.isEmpty else { return }
        phase = .closed
        actions.commands.append(.close(nil))
    }
}
