import NIOCore
import Testing

@testable import RPC

/// A connection's state machine, played without a socket, a clock or a task: what it says, and what it asks of its
/// driver, since the last look.
struct ClientScene {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    var connection: ClientConnection
    private var actions = Actions<ClientConnection.Command>()
    var now = Self.start

    /// A connection that has said hello; `welcome` opens it.
    init(
        _ configuration: ChannelConfiguration = ChannelConfiguration(
            clusterId: "nest", compressionThreshold: nil, keepalive: KeepaliveConfiguration(interval: nil))
    ) {
        connection = ClientConnection(
            configuration: configuration.connection(target: "n1:1", keepalive: configuration.keepalive),
            nonce: [UInt8](repeating: 7, count: 16), now: Self.start)
        connection.connecting(now: Self.start)
        connection.connected(into: &actions)
        actions.output = ByteBuffer()
    }

    mutating func welcome(limits: Limits = .client) {
        let methods = MethodKind.allCases.map { MethodEntry(number: UInt16($0.rawValue) + 1, name: "\($0)", kind: $0) }
        let welcome = Welcome(
            clusterId: "nest", nodeId: "n1", nonce: [UInt8](repeating: 1, count: 16), proof: [], limits: limits,
            features: [], methods: methods)
        hear(.welcome, payload: welcome.packed())
    }

    // MARK: Events in

    /// Calls the method that is named like its kind.
    mutating func call(
        _ kind: MethodKind = .unary, bytes: Int = 0, timeout: TimeAmount? = nil, waitsForReady: Bool = false
    ) -> UInt32 {
        let request = ClientConnection.Request(
            method: "\(kind)", kind: kind, options: CallOptions(waitsForReady: waitsForReady),
            message: [UInt8](repeating: 1, count: bytes),
            deadline: timeout.map { now + $0 })
        return connection.call(request, now: now, into: &actions)
    }

    /// - Returns: whether it could be made.
    mutating func callInPlace(timeout: TimeAmount? = nil) -> Bool {
        guard connection.canSend, connection.queue.isEmpty,
            let head = connection.template("unary", CallOptions())
        else { return false }
        return connection.callInPlace(
            ClientConnection.InPlaceStream(caller: 0, token: 0), head: head, deadline: timeout.map { now + $0 },
            now: now, into: &actions.output
        ) { _ in }
    }

    mutating func send(_ bytes: Int, on stream: UInt32) -> RPCError? {
        connection.send(.init(bytes: [UInt8](repeating: 1, count: bytes)), on: stream, into: &actions)
    }

    mutating func finish(_ stream: UInt32) { connection.finish(stream, into: &actions) }

    mutating func cancel(_ stream: UInt32) { connection.cancel(stream, now: now, into: &actions) }

    mutating func consumed(_ bytes: Int, on stream: UInt32) { connection.consumed(bytes, on: stream, into: &actions) }

    mutating func hear(_ kind: FrameKind, flags: FrameFlags = [], stream: UInt32 = 0, payload: [UInt8] = []) {
        hear(RawFrames.frame(kind, flags: flags, stream: stream, payload: payload))
    }

    mutating func hear(_ bytes: ByteBuffer) { connection.received(bytes, now: now, into: &actions) }

    mutating func lose() { connection.lost("the connection was lost", into: &actions) }

    /// The transport takes more again.
    mutating func unstuff() {
        connection.writabilityChanged(true, now: now)
        connection.goOn(now: now, into: &actions)
    }

    mutating func pass(_ time: TimeAmount, waiting: Int = 0) {
        now = now + time
        connection.tick(now: now, waiting: waiting, into: &actions)
        // A timer for what is past would keep an event loop from its sockets.
        #expect(connection.nextDeadline.map { $0 > now } ?? true, "what was due at \(now) is due again")
    }

    // MARK: What came of it

    mutating func said() -> [Frame] { takeFrames(&actions.output) }

    mutating func commands() -> [ClientConnection.Command] {
        defer { actions.commands = [] }
        return actions.commands
    }

    /// How each call ended, since the last look.
    mutating func ends() -> [UInt32: ClientEnd] {
        commands().reduce(into: [:]) { ends, command in
            switch command {
            case .completed(let stream, .success): ends[stream] = .answered
            case .completed(let stream, .failure(let error)): ends[stream] = .failed(error)
            case .returned(let stream, let error): ends[stream] = .returned(error)
            default: break
            }
        }
    }
}

enum ClientEnd: Equatable {
    case answered
    case failed(RPCError)
    /// To be made again elsewhere.
    case returned(RPCError)

    var error: RPCError? {
        switch self {
        case .answered: nil
        case .failed(let error), .returned(let error): error
        }
    }

    var isReturned: Bool { if case .returned = self { true } else { false } }
}

/// The same for the accepting side. Its methods are numbered like ``ClientScene``'s, and named by their kinds.
struct ServerScene {
    static let start = ClientScene.start
    /// The number of the method that is answered in place.
    static let inPlace: UInt16 = 5

    var connection: ServerConnection
    var actions = Actions<ServerConnection.Command>()
    var now = Self.start

    /// A connection that a client has opened.
    init(_ configuration: ServerConfiguration = Stage.configuration(), client: Limits = .client) {
        var methods = MethodTable()
        methods.unary("unary") { _ in Answer() }
        methods.clientStreaming("clientStreaming") { _, _ in Answer() }
        methods.serverStreaming("serverStreaming") { _, _ in Metadata() }
        methods.bidirectional("bidirectional") { _, _, _ in Metadata() }
        methods.inPlace("inPlace") { _, _ in }
        connection = ServerConnection(
            configuration: configuration.connection(methods), nonce: [UInt8](repeating: 1, count: 16), now: Self.start)
        hear(RawConnection.greeting { $0.limits = client })
        actions = Actions()
    }

    // MARK: Events in

    mutating func request(_ stream: UInt32, _ kind: MethodKind = .unary, ends: Bool? = nil) {
        let flags: FrameFlags = ends ?? !kind.takesManyMessages ? .endStream : []
        hear(RawFrames.request([], method: UInt16(kind.rawValue) + 1, stream: stream, flags: flags))
    }

    mutating func hear(_ kind: FrameKind, flags: FrameFlags = [], stream: UInt32 = 0, bytes: Int = 0) {
        hear(RawFrames.frame(kind, flags: flags, stream: stream, payload: [UInt8](repeating: 1, count: bytes)))
    }

    mutating func hear(_ bytes: ByteBuffer) { connection.received(bytes, now: now, into: &actions) }

    mutating func consumed(_ bytes: Int, on stream: UInt32) { connection.consumed(bytes, on: stream, into: &actions) }

    mutating func send(_ bytes: Int, on stream: UInt32) {
        connection.send(.init(bytes: [UInt8](repeating: 1, count: bytes)), on: stream, into: &actions)
    }

    mutating func finish(_ stream: UInt32, _ outcome: Result<Answer, RPCError> = .success(Answer())) {
        connection.finished(stream, outcome, load: LoadReport(), into: &actions)
    }

    /// Says goodbye, and hears, `gap` later, that it was heard; nil: hears nothing of it.
    mutating func goAway(heardAfter gap: TimeAmount? = nil) {
        connection.goAway("bye", now: now, into: &actions)
        guard let gap else { return }
        now = now + gap
        hear(RawFrames.frame(.pong, flags: [], payload: PingPayload.farewell))
    }

    /// The socket takes more again.
    mutating func unstuff() {
        connection.writabilityChanged(true, now: now)
        connection.goOn(now: now, into: &actions)
    }

    mutating func answerInPlace() {
        let requests = connection.inPlace
        connection.inPlace = []
        let answered = connection.answer(requests, load: LoadReport(), into: &actions.output) { _, _ in }
        #expect(answered == requests.count)
    }

    mutating func pass(_ time: TimeAmount, waiting: Int = 0) {
        now = now + time
        connection.tick(now: now, waiting: waiting, into: &actions)
        // A timer for what is past would keep an event loop from its sockets.
        #expect(connection.nextDeadline.map { $0 > now } ?? true, "what was due at \(now) is due again")
    }

    // MARK: What came of it

    mutating func said() -> [Frame] { takeFrames(&actions.output) }

    mutating func commands() -> [ServerConnection.Command] {
        defer { actions.commands = [] }
        return actions.commands
    }

    /// Why the connection was closed; nil when it was not.
    mutating func closeReason() throws -> String? {
        guard let last = said().last, last.kind == .close else { return nil }
        return try Close(unpacking: last.payload).reason
    }
}

/// A side under test says what is right; what is not would end the list early and be missed by its test.
private func takeFrames(_ output: inout ByteBuffer) -> [Frame] {
    var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)
    decoder.append(output)
    output = ByteBuffer()
    var frames: [Frame] = []
    while let frame = try? decoder.next() { frames.append(frame) }
    return frames
}

extension Frame {
    /// What a CREDIT gives.
    var credit: Int? { kind == .credit ? try? Credit.read(self) : nil }
}
