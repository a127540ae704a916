import NIOCore

@testable import RPC

extension FuzzTarget {
    /// The connecting side of an open connection, under whatever a server, its callers and time do.
    static let clientConnection = FuzzTarget(
        name: "client-connection", mostBytes: 256,
        check: { input in
            var play = ClientPlay(&input)
            try play.run(&input)
        },
        seeds: ClientPlay.seeds)
}

/// A play of at most some tens of steps. Each is an event of the connection; after each the books must be right.
private struct ClientPlay {
    private static let mostSteps = 32

    private var connection: ClientConnection
    private var actions = Actions<ClientConnection.Command>()
    private var books: ServerBooks
    private var now = Nest.start

    init(_ input: inout FuzzInput) {
        connection = input.flag() ? Nest.client : Nest.plainClient
        books = ServerBooks(takesCompressed: connection.coding.acceptsCompressed)
    }

    mutating func run(_ input: inout FuzzInput) throws {
        for _ in 0..<Self.mostSteps where !input.isEmpty {
            try step(&input)
            try settle()
        }
        connection.lost("the connection was lost", into: &actions)
        try settle()
        try books.allHaveEnded()
        try hold(connection.streams.isEmpty, "a connection that is over has no streams")
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        switch input.byte() % 16 {
        case 0, 1: call(&input)
        case 2: send(&input)
        case 3: finish(&input)
        case 4: cancel(&input)
        case 5: consume(&input)
        case 6, 7: try response(&input)
        case 8: try hear(.message, input.flag() ? .compressed : [], input.byte(), input.block(), input.byte())
        case 9: try hear(.metadata, [], input.byte(), input.block(), input.byte())
        case 10: try hear(.credit, [], input.byte(), input.flag() ? [input.byte(), 0, 0, 0] : input.take(4), 0)
        case 11: try goAway(&input)
        case 12: try anyFrame(&input)
        case 13: raw(input.block())
        case 14: try pass(.milliseconds(Int64(input.byte()) * Int64(input.byte())))
        default: try turn(input.byte())
        }
    }

    // MARK: Callers

    private mutating func call(_ input: inout FuzzInput) {
        guard connection.takesCalls else { return }
        let flags = input.byte()
        let kind = MethodKind.allCases[Int(flags & 3)]
        if flags & 64 != 0, kind == .unary { return callInPlace(&input) }
        let name = flags & 4 == 0 ? Nest.methods[Int(kind.rawValue)].name : "inPlace"
        let options = CallOptions(
            session: flags & 32 == 0 ? [] : input.block(),
            metadata: Metadata(entries: flags & 8 == 0 ? [] : [.init(key: "k", value: input.block())]),
            waitsForReady: flags & 128 != 0)
        let request = ClientConnection.Request(
            method: name, kind: kind, options: options, message: kind.takesManyMessages ? [] : input.block(),
            deadline: flags & 16 == 0 ? nil : now + .milliseconds(Int64(input.byte()) * 8))
        books.called(connection.nextStream, kind)
        _ = connection.call(request, now: now, into: &actions)
    }

    private mutating func callInPlace(_ input: inout FuzzInput) {
        guard connection.canSend, books.nobodyWaits else { return }
        let (message, session) = (input.block(), input.block())
        let id = connection.nextStream
        guard let head = connection.template("inPlace", CallOptions(session: session)) else { return }
        let stream = ClientConnection.InPlaceStream(caller: 0, token: Int(id))
        let isCalled = connection.callInPlace(stream, head: head, deadline: nil, now: now, into: &actions.output) {
            $0.writeBytes(message)
        }
        if isCalled { books.called(id, .unary) }
    }

    private mutating func send(_ input: inout FuzzInput) {
        guard let id = books.pickLive(input.byte()), connection.isStarted(id) else { return }
        let message = [UInt8](repeating: input.byte(), count: Int(input.byte()))
        if books.maySpeak(id), message.count <= Nest.theirs.maxMessageBytes { books.wrote(id) }
        _ = connection.send(.init(bytes: message), on: id, into: &actions)
    }

    private mutating func finish(_ input: inout FuzzInput) {
        guard let id = books.pickLive(input.byte()), connection.isStarted(id) else { return }
        books.finished(id)
        connection.finish(id, into: &actions)
    }

    private mutating func cancel(_ input: inout FuzzInput) {
        guard let id = books.pickLive(input.byte()) else { return }
        connection.cancel(id, now: now, into: &actions)
    }

    private mutating func consume(_ input: inout FuzzInput) {
        guard let (id, cost) = books.takeDelivered(input.byte()) else { return }
        connection.consumed(cost, on: id, into: &actions)
    }

    // MARK: The server

    private func stream(_ byte: UInt8) -> UInt32 {
        byte < 0xF0 ? UInt32(byte % 16) * 2 + 1 : byte == 0xFF ? .max : UInt32(byte & 15)
    }

    /// A RESPONSE that is right in itself.
    private mutating func response(_ input: inout FuzzInput) throws {
        let (flags, id) = (input.byte(), stream(input.byte()))
        let details = RPCError(.aborted, "no", details: input.block())
        let error = flags & 1 == 0 ? nil : details
        let metadata = Metadata(entries: flags & 2 == 0 ? [] : [.init(key: "k", value: [1])])
        var payload = ByteBuffer()
        ResponseTrailer(load: LoadReport(), metadata: metadata, error: error).write(
            packedDetails: error?.packed() ?? [], packedMetadata: metadata.packed(), into: &payload)
        payload.writeBytes(input.block())
        let isRight = books.isAwaited(id)
        try hear(.response, .endStream, id, payload.array, cut: flags & 4 == 0 ? 0 : input.byte())
        if isRight { try hold(!books.isLive(id), "a right RESPONSE ends its call") }
    }

    private mutating func goAway(_ input: inout FuzzInput) throws {
        let last = stream(input.byte())
        try hear(.goAway, [], 0, GoAway(lastStream: last, reason: "bye").packed(), cut: input.byte())
        if books.isOpen, !books.isMidFrame { try hold(!connection.takesCalls, "nothing new after GOAWAY") }
    }

    private mutating func anyFrame(_ input: inout FuzzInput) throws {
        let kind = FrameKind(rawValue: input.byte() % 15) ?? .ping
        try hear(kind, FrameFlags(rawValue: input.byte() & 3), input.byte(), input.block(), input.byte())
    }

    private mutating func hear(
        _ kind: FrameKind, _ flags: FrameFlags, _ id: UInt8, _ payload: [UInt8], _ cut: UInt8
    ) throws {
        let isOnStream: Bool = [.message, .credit, .response, .metadata].contains(kind)
        // Zero is the connection's; a CREDIT may be for that.
        try hear(kind, flags, !isOnStream || (kind == .credit && id == 0) ? 0 : stream(id), payload, cut: cut)
    }

    private mutating func hear(
        _ kind: FrameKind, _ flags: FrameFlags, _ id: UInt32, _ payload: [UInt8], cut: UInt8
    ) throws {
        var bytes = ByteBuffer()
        FrameEncoder.write(kind, flags: flags, stream: id, payload: payload, into: &bytes)
        let mustEnd = books.heard(Frame(kind: kind, flags: flags, stream: id, payload: ByteBuffer(bytes: payload)))
        if cut == 0 {
            connection.received(bytes, now: now, into: &actions)
        } else {
            try hearInPieces(bytes, cut)
        }
        try settle()
        if mustEnd { try hold(!books.isOpen, "a \(kind) that breaks the rules ends the connection") }
    }

    private mutating func hearInPieces(_ bytes: ByteBuffer, _ cut: UInt8) throws {
        var (other, expected) = (connection, Actions<ClientConnection.Command>())
        other.received(bytes, now: now, into: &expected)
        var chance = SmallChance(seed: cut)
        for piece in bytes.pieces(of: 1 + Int(cut), &chance) {
            connection.received(piece, now: now, into: &actions)
        }
        try hold(actions.output == expected.output, "a frame in pieces is answered as a whole one")
        try hold(
            connection.inPlaceResults.count == other.inPlaceResults.count,
            "a frame in pieces answers what a whole one does")
        try hold(actions.commands.count == expected.commands.count, "a frame in pieces causes what a whole one does")
    }

    private mutating func raw(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        books.isMidFrame = true
        connection.received(ByteBuffer(bytes: bytes), now: now, into: &actions)
    }

    // MARK: Time and the transport

    private mutating func pass(_ time: TimeAmount) throws {
        now = now + time
        connection.tick(now: now, into: &actions)
        try hold(connection.nextDeadline.map { $0 > now } ?? true, "what was due is not due again")
    }

    private mutating func turn(_ choice: UInt8) throws {
        switch choice % 8 {
        case 0: connection.stop("the channel is closed", into: &actions)
        case 1: connection.lost("the connection was lost", into: &actions)
        case 2: connection.writabilityChanged(false, now: now)
        case 3:
            connection.writabilityChanged(true, now: now)
            connection.goOn(now: now, into: &actions)
        case 4: try pass(connection.nextDeadline.map { max(.zero, $0 - now) } ?? .zero)
        default: try pass(.seconds(Int64(choice)))
        }
    }

    private mutating func settle() throws {
        while actions.output.readableBytes > 0 || !actions.commands.isEmpty || !connection.inPlaceResults.isEmpty {
            let done = actions
            actions = Actions()
            try books.said(done.output)
            for command in done.commands { try books.decided(command) }
            let results = connection.inPlaceResults
            connection.inPlaceResults = []
            for result in results { try books.decided(result) }
        }
        try books.isClosed(connection.phase == .closed)
        let (streams, sent) = (connection.streams.count, connection.sentCount)
        let inPlace = connection.inPlace.count
        try hold(streams + inPlace == books.liveCount, "as many streams as calls: \(books.liveCount)")
        try hold(sent + inPlace == books.sentCount, "as many are sent as it counts: \(books.sentCount)")
        try hold(connection.outgoing.blockedCount <= 64 + 2 * books.liveCount, "the line for credit is bounded")
        let kept = connection.outgoing.waitingBytes
        try hold(streams == 0 ? kept == 0 : kept >= 0, "\(kept) bytes of messages wait")
        try hold(connection.deadlines.count <= 64 + 2 * books.liveCount, "the line of deadlines is bounded")
        try hold(connection.queue.count <= 64 + 2 * books.liveCount, "the line of calls is bounded")
    }

    static func seeds() -> [[UInt8]] {
        [
            [1, 0, 0, 3, 1, 2, 3, 6, 0, 0, 0, 2, 9, 9], [1, 0, 2, 1, 7, 8, 0, 0, 3, 1, 2, 3, 0, 5, 0, 6, 0, 0, 0, 0],
            [1, 0, 1, 2, 0, 7, 60, 2, 0, 7, 60, 10, 0, 1, 50, 10, 1, 1, 50, 3, 0, 7, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 1, 0, 6, 0, 0, 0, 0], [1, 0, 16, 0, 1, 14, 255, 255],
            [1, 0, 3, 9, 0, 4, 10, 0, 18, 0, 0, 4, 0], [0, 0, 64, 2, 5, 5, 0, 6, 2, 0, 0, 1, 3],
            [1, 0, 64, 2, 5, 5, 0, 6, 0, 0, 0, 1, 3, 15, 1], [1, 12, 12, 0, 0, 2, 8, 14, 0], [1, 13, 4, 1, 2, 3, 4],
            [0, 0, 3, 0, 3, 0, 3, 0, 3, 15, 0], [1, 12, 8, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 3],
        ]
    }
}
