import DequeModule
import NIOCore

/// The connecting side of a connection, decided: calls and bytes in, bytes and commands out. Calls may be given before
/// the handshake is done, and more of them than the server takes at once; they wait here, under their own deadlines.
struct ClientConnection {
    struct Configuration: Sendable {
        /// Where to, for error messages.
        var target: String
        /// The node that should be there; nil when any node of the cluster will do.
        var nodeId: String?
        var clusterId: String
        var identity: ClientHandshake.Identity
        var limits: Limits
        var features: Features
        /// For connecting and the handshake together.
        var connectTimeout: TimeAmount
        var compressFrom: Int?
        var keepalive: KeepaliveConfiguration
        /// How long it may stay without a call; nil: for ever.
        var idleTimeout: TimeAmount?
        /// Calls that may wait for their turn; more are refused.
        var maxWaitingCalls: Int
        /// How long the server may take nothing of what waits for it.
        var stallTimeout = TimeAmount.seconds(30)
    }

    enum Command {
        case opened(nodeId: String)
        /// The request left: messages may follow.
        case started(stream: UInt32)
        /// METADATA, ahead of all messages.
        case metadata(stream: UInt32, Metadata)
        case message(stream: UInt32, [UInt8], cost: Int)
        /// The oldest waiting message of this stream went out.
        case written(stream: UInt32)
        case completed(stream: UInt32, Result<Reply, RPCError>)
        /// The call has certainly not run: make it again on another connection, or fail it with this.
        case returned(stream: UInt32, RPCError)
        /// Give new calls to another connection.
        case goingAway
        /// Send what is to be sent, then close. The error is why new calls would fail; nil after an orderly end.
        case close(RPCError?)
    }

    struct Request: Sendable {
        var method: String
        var kind: MethodKind
        var options: CallOptions
        /// Empty for a method that takes many messages.
        var message: [UInt8]
        var deadline: NIODeadline?
    }

    struct Stream {
        var kind: MethodKind
        /// nil once it was sent.
        var unsent: Request?
        /// This side may send messages.
        var isSpeaking: Bool
        /// END follows the messages that wait.
        var isEnding = false
        var initialMetadata: Metadata?
        var hasMessages = false
    }

    /// A call that was made in place: its caller's number in the driver's list, and the token that it gave.
    struct InPlaceStream {
        var caller: Int
        var token: Int
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
    private var connectDeadline: NIODeadline?
    private var decoder = FrameDecoder(maxPayloadBytes: ClientHandshake.maxFrameBytes)
    var nextStream: UInt32 = 1
    var keepalive: Keepalive
    var stall: StallWatch
    /// The transport takes more. Until it does, calls and messages wait here.
    var isWritable = true
    /// A PONG was said since it takes no more; further ones would be for a server that does not read.
    var hasPongWaiting = false
    var lastBusy: NIODeadline
    private(set) var serverTurnedAwayPings = false
    private(set) var methods: [String: MethodEntry] = [:]
    private(set) var serverNodeId = ""
    var phase = Phase.connecting
    /// The node that the other side's certificate names; the driver sets it before the first bytes.
    var peerName: String?
    private(set) var theirs = Limits.client
    var coding = MessageCoding(compressFrom: nil, acceptsCompressed: false, maxMessageBytes: 0)
    var streams = StreamTable<Stream>()
    /// Calls that were made in place, which have left. Small values in a table of their own.
    var inPlace = StreamTable<InPlaceStream>()
    /// What those ended with; the driver takes it after each read.
    var inPlaceResults: [InPlaceResult] = []
    /// Calls that wait for the handshake, or for one of the server's streams, in order. Some may have ended.
    var queue = Deque<UInt32>()
    /// Of `streams`: those whose request has left.
    var sentCount = 0
    var deadlines = DeadlineQueue()
    var outgoing = OutgoingMessages()
    var incoming: IncomingMessages
    var traffic = Traffic()

    init(configuration: Configuration, nonce: [UInt8], now: NIODeadline) {
        self.configuration = configuration
        handshake = ClientHandshake(
            clusterId: configuration.clusterId, identity: configuration.identity, nodeId: configuration.nodeId,
            limits: configuration.limits, features: configuration.features, nonce: nonce)
        keepalive = Keepalive(configuration.keepalive, now: now)
        stall = StallWatch(timeout: configuration.stallTimeout)
        incoming = IncomingMessages(configuration.limits)
        lastBusy = now
    }

    /// When `tick` must be called at the latest.
    var nextDeadline: NIODeadline? {
        var due = deadlines.earliest ?? .distantFuture
        switch phase {
        case .connecting, .handshake: due = min(due, connectDeadline ?? due)
        case .open: due = min(due, min(signDeadline ?? due, idleDeadline ?? due))
        case .goingAway: due = min(due, signDeadline ?? due)
        case .closed: return nil
        }
        return due == .distantFuture ? nil : due
    }

    var hasCalls: Bool { !streams.isEmpty || !inPlace.isEmpty }

    private var idleDeadline: NIODeadline? { configuration.idleTimeout.map { lastBusy + $0 } }

    /// False when ids have run out, which is when a new connection is due.
    var takesCalls: Bool { (phase == .connecting || phase == .handshake || phase == .open) && nextStream < .max - 2 }

    /// The transport begins to connect.
    mutating func connecting(now: NIODeadline) {
        guard phase == .connecting else { return }
        connectDeadline = now + configuration.connectTimeout
    }

    /// The transport is there: says hello.
    mutating func connected(into actions: inout Actions<Command>) {
        guard phase == .connecting else { return }
        phase = .handshake
        handshake.start(into: &actions.output)
    }

    // MARK: Calls

    /// Takes a call and returns its stream. It is sent now, or when its turn comes. `takesCalls` must be true.
    mutating func call(_ request: Request, now: NIODeadline, into actions: inout Actions<Command>) -> UInt32 {
        let id = nextStream
        nextStream += 2
        lastBusy = now
        let stream = Stream(kind: request.kind, unsent: request, isSpeaking: request.kind.takesManyMessages)
        streams.insert(stream, for: id)
        if let deadline = request.deadline { deadlines.insert(id, deadline: deadline) }
        queue.append(id)
        let most = configuration.maxWaitingCalls
        guard streams.count - sentCount <= most || canSend else {
            complete(id, .failure(.tooMany("calls wait for \(configuration.target)", most)), into: &actions)
            return id
        }
        sendQueued(now: now, into: &actions)
        return id
    }

    /// The server takes one more call now.
    var canSend: Bool {
        phase == .open && isWritable && sentCount + inPlace.count < theirs.maxConcurrentStreams
    }

    /// The caller wants no answer any more.
    mutating func cancel(_ id: UInt32, now: NIODeadline, into actions: inout Actions<Command>) {
        abandon(id, .cancelled, "the call was cancelled", into: &actions)
        sendQueued(now: now, into: &actions)
        closeIfDone(into: &actions)
    }

    private mutating func abandon(
        _ id: UInt32, _ code: StatusCode, _ message: String, into actions: inout Actions<Command>
    ) {
        guard inPlace[id] == nil else {
            FrameEncoder.write(.cancel, stream: id, into: &actions.output)
            return fail(inPlace: id, RPCError(code, message, ran: .unknown))
        }
        guard let stream = streams[id] else { return }
        let wasSent = stream.unsent == nil
        if wasSent, phase != .closed { FrameEncoder.write(.cancel, stream: id, into: &actions.output) }
        complete(id, .failure(RPCError(code, message, ran: wasSent ? .unknown : .no)), into: &actions)
    }

    /// The caller has used a message up: its credit goes back.
    mutating func consumed(_ bytes: Int, on id: UInt32, into actions: inout Actions<Command>) {
        guard phase == .open || phase == .goingAway else { return }
        incoming.consumed(bytes, on: id, into: &actions.output)
    }

    // MARK: Bytes

    mutating func received(_ bytes: ByteBuffer, now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        keepalive.heard(now: now)
        traffic.bytesIn += UInt64(bytes.readableBytes)
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
        case .response: try responded(frame, now: now, into: &actions)
        case .message: try messaged(frame, into: &actions)
        case .metadata: try metadataArrived(frame, into: &actions)
        case .credit: try credited(frame, into: &actions)
        case .goAway: try wentAway(GoAway(unpacking: frame.payload), into: &actions)
        case .ping: try ping(frame, into: &actions)
        case .pong: break
        case .hello, .welcome, .proof, .request, .cancel, .close, .end:
            throw .malformed("a \(frame.kind) frame from the accepting side of an open connection")
        }
    }

    private mutating func welcomed(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        let welcome = try handshake.received(frame, peerName: peerName, into: &actions.output)
        phase = .open
        serverNodeId = welcome.nodeId
        theirs = welcome.limits
        outgoing.agreed(theirs)
        decoder.maxPayloadBytes = configuration.limits.maxFrameBytes
        let lz4 = welcome.features.intersection(configuration.features).contains(.lz4)
        coding = MessageCoding(
            compressFrom: lz4 ? configuration.compressFrom : nil, acceptsCompressed: lz4,
            maxMessageBytes: configuration.limits.maxMessageBytes)
        for method in welcome.methods { methods[method.name] = method }
        actions.commands.append(.opened(nodeId: welcome.nodeId))
        lastBusy = now
        sendQueued(now: now, into: &actions)
    }

    // MARK: Time

    /// - Parameter waiting: bytes that were written and have not left.
    mutating func tick(now: NIODeadline, waiting: Int = 0, into actions: inout Actions<Command>) {
        endOverdue(now: now, into: &actions)
        switch phase {
        case .connecting, .handshake:
            guard let connectDeadline, now >= connectDeadline else { return }
            lost("no answer from \(configuration.target) while connecting", into: &actions)
        case .open, .goingAway:
            tickSigns(now: now, waiting: waiting, into: &actions)
            tickIdle(now: now, into: &actions)
            closeIfDone(into: &actions)
        case .closed: break
        }
    }

    /// All that are overdue end before the places that they leave are given away: else a call that waits would leave
    /// only to be cancelled, and thousands of those are what a server turns a connection away for.
    private mutating func endOverdue(now: NIODeadline, into actions: inout Actions<Command>) {
        while let id = deadlines.popDue(now: now) {
            abandon(id, .deadlineExceeded, "no answer from \(configuration.target) in time", into: &actions)
        }
        sendQueued(now: now, into: &actions)
    }

    private mutating func tickIdle(now: NIODeadline, into actions: inout Actions<Command>) {
        guard phase == .open else { return }
        if hasCalls { lastBusy = now }
        guard let idleDeadline, now >= idleDeadline else { return }
        phase = .goingAway
        actions.commands.append(.goingAway)
    }

    // MARK: The end

    /// The transport failed, or could not be had. What was sent may have run.
    mutating func lost(_ reason: String, into actions: inout Actions<Command>) {
        end(RPCError(.unavailable, reason, ran: .no, retryable: true), into: &actions)
    }

    /// The channel is closed: nothing is made again elsewhere.
    mutating func stop(_ reason: String, into actions: inout Actions<Command>) {
        let error = RPCError(.unavailable, reason, ran: .no, retryable: true)
        for id in streams.keys where streams[id]?.unsent != nil {
            complete(id, .failure(error), into: &actions)
        }
        end(error, into: &actions)
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
        serverTurnedAwayPings = close.reason == Close.tooManyPings
        let code = phase == .handshake && close.code != .ok ? close.code : .unavailable
        let message = "\(configuration.target) closed the connection: \(close.reason)"
        end(RPCError(code, message, ran: .no, retryable: code == .unavailable), into: &actions)
    }

    /// Calls whose request has not left are made again elsewhere, if they would wait for that or this connection was
    /// there once; those that were sent may have run.
    private mutating func end(_ error: RPCError, into actions: inout Actions<Command>) {
        guard phase != .closed else { return }
        let (wasOpen, wasGoingAway) = (phase == .open || phase == .goingAway, phase == .goingAway)
        phase = .closed
        for id in inPlace.keys {
            var own = error
            (own.ran, own.retryable) = (.unknown, false)
            fail(inPlace: id, own)
        }
        var movable: [UInt32] = []
        for id in streams.keys {
            guard let unsent = streams[id]?.unsent else {
                var own = error
                (own.ran, own.retryable) = (.unknown, false)
                complete(id, .failure(own), into: &actions)
                continue
            }
            if wasOpen || (unsent.options.waitsForReady && error.code == .unavailable) {
                movable.append(id)
            } else {
                complete(id, .failure(error), into: &actions)
            }
        }
        // The channel learns first that there is no connection, and then what to do without it.
        actions.commands.append(.close(wasGoingAway ? nil : error))
        for id in movable { giveBack(id, error, into: &actions) }
    }

    mutating func closeIfDone(into actions: inout Actions<Command>) {
        guard phase == .goingAway, !hasCalls else { return }
        phase = .closed
        actions.commands.append(.close(nil))
    }
}
