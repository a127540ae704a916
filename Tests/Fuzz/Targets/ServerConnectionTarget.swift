import NIOCore

@testable import RPC

extension FuzzTarget {
    /// The accepting side of an open connection, under whatever a caller, its handlers and time do.
    static let serverConnection = FuzzTarget(
        name: "server-connection", mostBytes: 256,
        check: { input in
            var play = ServerPlay(&input)
            try play.run(&input)
        },
        seeds: ServerPlay.seeds)
}

/// A play of at most some tens of steps. Each is an event of the connection; after each the books must be right.
private struct ServerPlay {
    private static let mostSteps = 32

    private var connection: ServerConnection
    private var actions = Actions<ServerConnection.Command>()
    private var books: CallerBooks
    private var now = Nest.start
    private var isStuffed = false

    init(_ input: inout FuzzInput) {
        connection = input.flag() ? Nest.server : Nest.plainServer
        books = CallerBooks(takesCompressed: connection.coding.acceptsCompressed)
    }

    mutating func run(_ input: inout FuzzInput) throws {
        for _ in 0..<Self.mostSteps where !input.isEmpty {
            try step(&input)
            try settle()
        }
        try end()
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        switch input.byte() % 16 {
        case 0, 1: try request(&input)
        case 2: try hear(.message, [], input.byte(), message(&input), &input)
        case 3: try hear(.message, .compressed, input.byte(), message(&input), &input)
        case 4: try hear(.credit, [], input.byte(), credit(&input), &input)
        case 5: try hear(input.flag() ? .end : .cancel, [], input.byte(), [], &input)
        case 6: try hear(.ping, [], 0, input.flag() ? PingPayload.farewell : input.block(), &input)
        case 7: try hear(.pong, [], 0, PingPayload.farewell, &input)
        case 8: try anyFrame(&input)
        case 9: raw(input.block())
        case 10: finish(&input)
        case 11: send(&input)
        case 12: say(&input)
        case 13: consume(&input)
        case 14: try pass(.milliseconds(Int64(input.byte()) * Int64(input.byte())))
        default: try turn(input.byte())
        }
    }

    // MARK: The caller

    /// A stream that low bytes name by its order; others are strange ones.
    private func stream(_ byte: UInt8) -> UInt32 {
        switch byte {
        case 0: books.nextStream
        case 0xFF: .max
        case 0xF0...: UInt32(byte & 15)
        default: UInt32(byte % 16) * 2 + 1
        }
    }

    /// A REQUEST that is right in itself.
    private mutating func request(_ input: inout FuzzInput) throws {
        let flags = input.byte()
        var head = RequestHead(method: UInt16(input.byte() % 8))
        head.remainingMs = flags & 4 == 0 ? 0 : UInt32(input.byte()) * 8
        head.session = flags & 8 == 0 ? [] : input.block()
        var payload = ByteBuffer()
        head.write(packedMetadata: [], into: &payload)
        payload.writeBytes(flags & 16 == 0 ? [] : input.block())
        let id = stream(flags & 32 == 0 ? 0 : input.byte())
        // What waited for the socket may be the connection's last.
        unstuff()
        try settle()
        let isRight = books.mayOpen(id)
        try hear(
            .request, flags & 1 == 0 ? .endStream : [], id, payload.array, cut: flags & 64 == 0 ? 0 : input.byte())
        if isRight { try hold(books.isOpen, "a right REQUEST does not end the connection") }
    }

    private func message(_ input: inout FuzzInput) -> [UInt8] { input.block() }

    private func credit(_ input: inout FuzzInput) -> [UInt8] {
        input.flag() ? [input.byte(), 0, 0, 0] : input.take(4)
    }

    private mutating func anyFrame(_ input: inout FuzzInput) throws {
        let kind = FrameKind(rawValue: input.byte() % 15) ?? .request
        try hear(kind, FrameFlags(rawValue: input.byte() & 3), input.byte(), input.block(), &input)
    }

    private mutating func hear(
        _ kind: FrameKind, _ flags: FrameFlags, _ id: UInt8, _ payload: [UInt8], _ input: inout FuzzInput
    ) throws {
        let isOnStream: Bool = [.message, .end, .cancel, .credit, .request, .response, .metadata].contains(kind)
        let cut = input.byte()
        // Zero is the connection's; a CREDIT may be for that.
        let id = !isOnStream || (kind == .credit && id == 0) ? 0 : stream(id)
        try hear(kind, flags, id, payload, cut: cut)
    }

    /// Frames come whole, or in pieces, which must be the same.
    private mutating func hear(
        _ kind: FrameKind, _ flags: FrameFlags, _ id: UInt32, _ payload: [UInt8], cut: UInt8
    ) throws {
        var bytes = ByteBuffer()
        FrameEncoder.write(kind, flags: flags, stream: id, payload: payload, into: &bytes)
        let frame = Frame(kind: kind, flags: flags, stream: id, payload: ByteBuffer(bytes: payload))
        unstuff()
        try settle()
        let mustEnd = books.heard(frame)
        if cut == 0 {
            connection.received(bytes, now: now, into: &actions)
        } else {
            try hearInPieces(bytes, cut)
        }
        try settle()
        if mustEnd { try hold(!books.isOpen, "a \(kind) that breaks the rules ends the connection") }
    }

    private mutating func hearInPieces(_ bytes: ByteBuffer, _ cut: UInt8) throws {
        var (other, expected) = (connection, Actions<ServerConnection.Command>())
        other.received(bytes, now: now, into: &expected)
        var chance = SmallChance(seed: cut)
        for piece in bytes.pieces(of: 1 + Int(cut), &chance) {
            connection.received(piece, now: now, into: &actions)
        }
        try hold(actions.output == expected.output, "a frame in pieces is answered as a whole one")
        try hold(connection.inPlace.count == other.inPlace.count, "a frame in pieces is answered where a whole one is")
        try hold(actions.commands.count == expected.commands.count, "a frame in pieces causes what a whole one does")
    }

    /// Bytes that are no frame; the connection ends, or waits for the rest of what it takes for one.
    private mutating func raw(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        unstuff()
        books.isMidFrame = true
        connection.received(ByteBuffer(bytes: bytes), now: now, into: &actions)
    }

    // MARK: Handlers

    private mutating func finish(_ input: inout FuzzInput) {
        guard let id = books.pickRunning(input.byte()) else { return }
        let metadata = Metadata(entries: [.init(key: "k", value: input.block())])
        // Who has a writer has no initial metadata beside it.
        let initial = input.flag() && !books.hasSpoken(id) ? metadata : Metadata()
        let message = input.block()
        let outcome: Result<Answer, RPCError> =
            input.flag()
            ? .failure(RPCError(.aborted, "no", details: message, metadata: metadata))
            : .success(Answer(message, initialMetadata: initial, metadata: initial.isEmpty ? metadata : Metadata()))
        books.handlerEnded(id)
        connection.finished(id, outcome, load: LoadReport(), into: &actions)
    }

    private mutating func send(_ input: inout FuzzInput) {
        guard let id = books.pickRunning(input.byte()), connection.isOpen(id) else { return }
        let message = [UInt8](repeating: input.byte(), count: Int(input.byte()))
        guard connection.refusal(of: message) == nil else { return }
        books.wrote(id)
        connection.send(.init(bytes: message), on: id, into: &actions)
    }

    private mutating func say(_ input: inout FuzzInput) {
        guard let id = books.pickRunning(input.byte()) else { return }
        _ = connection.say(Metadata(entries: [.init(key: "a", value: input.block())]), on: id, into: &actions)
    }

    private mutating func consume(_ input: inout FuzzInput) {
        guard let (id, cost) = books.takeDelivered(input.byte()) else { return }
        connection.consumed(cost, on: id, into: &actions)
    }

    // MARK: Time and the transport

    private mutating func pass(_ time: TimeAmount) throws {
        now = now + time
        connection.tick(now: now, into: &actions)
        try hold(connection.nextDeadline.map { $0 > now } ?? true, "what was due is not due again")
    }

    private mutating func turn(_ choice: UInt8) throws {
        switch choice % 8 {
        case 0: connection.goAway("the server stops", now: now, into: &actions)
        case 1: stuff()
        case 2: unstuff()
        case 3: connection.fail(ProtocolViolation(.unavailable, "shut down"), into: &actions)
        case 4: connection.lost(into: &actions)
        case 5: try pass(connection.nextDeadline.map { max(.zero, $0 - now) } ?? .zero)
        default: try pass(.seconds(Int64(choice)))
        }
    }

    /// The socket takes no more, and nothing is read from it.
    private mutating func stuff() {
        guard !isStuffed else { return }
        isStuffed = true
        connection.writabilityChanged(false, now: now)
    }

    private mutating func unstuff() {
        guard isStuffed else { return }
        isStuffed = false
        connection.writabilityChanged(true, now: now)
        connection.goOn(now: now, into: &actions)
    }

    // MARK: The books

    private mutating func settle() throws {
        while actions.output.readableBytes > 0 || !actions.commands.isEmpty || !connection.inPlace.isEmpty {
            let done = actions
            actions = Actions()
            try books.said(done.output)
            for command in done.commands { try books.decided(command) }
            try answerInPlace()
        }
        try books.isClosed(connection.phase == .closed)
        try hold(connection.streams.count == books.runningCount, "as many streams as handlers: \(books.runningCount)")
        try hold(connection.outgoing.blockedCount <= 64 + 2 * books.runningCount, "the line for credit is bounded")
        let kept = connection.outgoing.waitingBytes
        try hold(books.runningCount == 0 ? kept == 0 : kept >= 0, "\(kept) bytes of messages wait")
        try hold(connection.deadlines.count <= 64 + 2 * books.runningCount, "the line of deadlines is bounded")
    }

    private mutating func answerInPlace() throws {
        let requests = connection.inPlace
        connection.inPlace = []
        for request in requests { try books.decided(request) }
        let answered = connection.answer(requests, load: LoadReport(), into: &actions.output) {
            request, answer throws(RPCError) in
            try request.withCall(from: Peer()) { call throws(RPCError) in answer.writeBytes(call.message) }
        }
        try hold(answered == requests.count, "there is room for answers in place")
        connection.closeIfDone(into: &actions)
    }

    private mutating func end() throws {
        connection.lost(into: &actions)
        try settle()
        try books.allAreCancelled()
        while let id = books.pickRunning(0) {
            books.handlerEnded(id)
            connection.finished(id, .success(Answer()), load: LoadReport(), into: &actions)
            try settle()
        }
        try hold(connection.streams.isEmpty, "a connection that is over has no streams")
        // Looks at every slot; streams leave one by one, so that a count that was wrong once is wrong here.
        try hold(connection.streams.keys.isEmpty, "the table counts its streams")
    }

    static func seeds() -> [[UInt8]] {
        [
            [1, 0, 0, 1, 10, 0, 3, 1, 2, 3, 2, 4, 5, 0, 0],
            [1, 0, 1, 2, 2, 1, 5, 1, 2, 3, 4, 5, 0, 13, 0, 5, 1, 1, 0, 10, 0, 0, 0, 0, 0],
            [1, 0, 1, 4, 11, 0, 7, 60, 11, 0, 7, 60, 4, 1, 1, 40, 0, 4, 1, 0, 40, 0, 10, 0, 0, 0, 0, 0],
            [1, 0, 4, 1, 9, 14, 255, 255, 10, 0, 0, 0], [1, 0, 0, 5, 0, 16, 5, 3, 9, 9, 9, 15, 0, 7, 0, 15, 5],
            [0, 0, 1, 4, 12, 0, 2, 65, 66, 11, 0, 1, 200, 5, 0, 1, 0, 15, 4], [1, 6, 1, 0, 6, 1, 0, 6, 1, 0, 6, 1, 0],
            [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 15, 0, 7, 0, 10, 0], [1, 9, 5, 1, 2, 3, 4, 5, 15, 60],
        ]
    }
}
