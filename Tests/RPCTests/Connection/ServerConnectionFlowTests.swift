import NIOCore
import Testing

@testable import RPC

/// The accepting side's streams of messages, decided: what a caller may say, and what it costs.
@Suite struct ServerConnectionFlowTests {
    private func expectClose(_ reason: String, _ scene: inout ServerScene) throws {
        let said = try scene.closeReason()
        #expect(said?.contains(reason) == true, "\(said ?? "nothing")")
        #expect(scene.connection.phase == .closed)
    }

    // MARK: What a caller may not say

    @Test func aMessageBehindTheEndIsMalformed() throws {
        var scene = ServerScene()
        scene.request(1, .clientStreaming)
        scene.hear(.message, stream: 1, bytes: 3)
        scene.hear(.end, flags: .endStream, stream: 1)
        #expect(scene.connection.phase == .open)
        scene.hear(.message, stream: 1, bytes: 3)
        try expectClose("a MESSAGE behind the END of stream 1", &scene)
    }

    /// Its END came with the REQUEST.
    @Test(arguments: MethodKind.allCases)
    func aMessageBehindARequestThatEndsTheStreamIsMalformed(kind: MethodKind) throws {
        var scene = ServerScene()
        scene.request(1, kind, ends: true)
        scene.hear(.message, stream: 1, bytes: 3)
        try expectClose("a MESSAGE behind the END of stream 1", &scene)
    }

    @Test(arguments: MethodKind.allCases)
    func aSecondEndIsMalformed(kind: MethodKind) throws {
        var scene = ServerScene()
        scene.request(1, kind)
        if kind.takesManyMessages { scene.hear(.end, flags: .endStream, stream: 1) }
        #expect(scene.connection.phase == .open)
        scene.hear(.end, flags: .endStream, stream: 1)
        try expectClose("a second END of stream 1", &scene)
    }

    @Test(arguments: [FrameKind.message, .end], [UInt32(0), 2, 3])
    func aStreamThatWasNeverOpenedHasNothingToSay(kind: FrameKind, stream: UInt32) throws {
        var scene = ServerScene()
        scene.request(1, .clientStreaming)
        scene.hear(kind, flags: kind == .end ? .endStream : [], stream: stream)
        try expectClose("stream \(stream), which was not opened", &scene)
    }

    /// They crossed the answer; only the connection's credit comes back.
    @Test func whatComesForAnEndedStreamIsIgnored() {
        var scene = ServerScene()
        scene.request(1, .clientStreaming)
        scene.finish(1)
        _ = (scene.said(), scene.commands())
        scene.hear(.message, stream: 1, bytes: 3)
        scene.hear(.end, flags: .endStream, stream: 1)
        scene.hear(.cancel, stream: 1)
        #expect(scene.connection.phase == .open)
        #expect(scene.commands().isEmpty && scene.said().isEmpty)
    }

    // MARK: Credit

    private func small(stream: Int, connection: Int, maxStreams: Int = 4096) -> ServerConfiguration {
        var configuration = Stage.configuration()
        configuration.clientLimits.streamCreditBytes = stream
        configuration.clientLimits.connectionCreditBytes = connection
        configuration.clientLimits.maxConcurrentStreams = maxStreams
        return configuration
    }

    /// A refused call's messages were on their way; a hundred of those must not cost the connection its credit.
    @Test func messagesOfRefusedStreamsGiveTheirCreditBack() {
        var scene = ServerScene(small(stream: 100, connection: 100, maxStreams: 1))
        scene.request(1, .bidirectional)
        _ = scene.said()
        var returned = 0
        for n in UInt32(1)...100 {
            scene.request(2 * n + 1, .clientStreaming)
            scene.hear(.message, stream: 2 * n + 1, bytes: 60)
            let said = scene.said()
            #expect(said.first?.kind == .response)
            returned += said.filter { $0.stream == 0 }.compactMap(\.credit).reduce(0, +)
        }
        #expect(scene.connection.phase == .open)
        #expect(returned == 8000)
    }

    /// It takes memory: a hundred bytes are five of them.
    @Test func anEmptyMessageCostsItsHeader() throws {
        var scene = ServerScene(small(stream: 100, connection: 1000), client: Limits(streamCreditBytes: 100))
        scene.request(1, .bidirectional)
        for _ in 0..<7 { scene.send(0, on: 1) }
        #expect(scene.said().map(\.kind) == [FrameKind](repeating: .message, count: 5))
        for _ in 0..<5 { scene.hear(.message, stream: 1) }
        #expect(scene.connection.phase == .open)
        scene.hear(.message, stream: 1)
        try expectClose("messages beyond the stream's credit", &scene)
    }

    @Test func messagesWithoutCreditEndTheConnection() throws {
        for (stream, connection, reason) in [(10, 1000, "the stream's credit"), (1000, 10, "the connection's credit")] {
            var scene = ServerScene(small(stream: stream, connection: connection))
            scene.request(1, .clientStreaming)
            scene.hear(.message, stream: 1, bytes: 50)
            #expect(scene.connection.phase == .open)
            scene.hear(.message, stream: 1, bytes: 1)
            try expectClose("messages beyond \(reason)", &scene)
        }
    }

    @Test func theAnswerGoesBehindWhatWaitsForCredit() {
        var scene = ServerScene(client: Limits(streamCreditBytes: 10))
        scene.request(1, .serverStreaming)
        scene.send(20, on: 1)
        scene.send(20, on: 1)
        scene.finish(1)
        #expect(scene.said().map(\.kind) == [.message])
        scene.hear(RawFrames.frame(.credit, flags: [], stream: 1, payload: [31, 0, 0, 0]))
        #expect(scene.said().map(\.kind) == [.message, .response])
    }

    /// Its handler has ended, so that nobody else would give the place back.
    @Test(arguments: [true, false])
    func anAnswerThatWaitsForCreditGivesItsPlaceBack(cancels: Bool) {
        var scene = ServerScene(client: Limits(streamCreditBytes: 10))
        scene.request(1, .serverStreaming)
        scene.send(20, on: 1)
        scene.send(20, on: 1)
        scene.finish(1)
        #expect(scene.connection.streams.count == 1)
        if cancels { scene.hear(.cancel, stream: 1) } else { scene.connection.lost(into: &scene.actions) }
        #expect(scene.connection.streams.isEmpty)
    }

    // MARK: Size

    /// What is larger than the caller's frames would end the connection, and every call on it.
    @Test func anErrorIsCutToTheCallersFrames() throws {
        var scene = ServerScene(client: Limits(maxFrameBytes: 80))
        let long = [UInt8](repeating: 120, count: 1000)
        let error = RPCError(
            .notFound, String(repeating: "gone ", count: 100), retryable: true, details: long,
            metadata: Metadata(entries: [.init(key: "k", value: long)]))
        scene.request(1)
        scene.finish(1, .failure(error))
        let said = try #require(scene.said().first)
        #expect(said.payload.readableBytes <= 80)
        var payload = said.payload
        let told = try #require(ResponseTrailer(from: &payload).error)
        #expect(told.code == .notFound && told.retryable && told.ran == .yes)
        #expect(told.message.hasPrefix("gone gone") && error.message.hasPrefix(told.message))
    }

    @Test func initialMetadataAboveTheCallersFramesIsAnError() {
        var scene = ServerScene(client: Limits(maxFrameBytes: 200))
        let metadata = Metadata(entries: [.init(key: "k", value: [UInt8](repeating: 120, count: 300))])
        scene.request(1)
        scene.finish(1, .success(Answer(initialMetadata: metadata)))
        let said = scene.said()
        #expect(said.map(\.kind) == [.response] && said.allSatisfy { $0.payload.readableBytes <= 200 })
    }

    // MARK: The orderly end

    /// The second GOAWAY names it, so it must be answered.
    @Test func aRequestInPlaceInFrontOfThePongIsAnswered() {
        var scene = ServerScene()
        scene.goAway()
        _ = scene.said()
        scene.hear(
            RawFrames.joined(
                RawFrames.request([], method: ServerScene.inPlace),
                RawFrames.frame(.pong, flags: [], payload: PingPayload.farewell)))
        #expect(scene.said().map(\.kind) == [.goAway])
        #expect(scene.connection.phase == .open)
    }

    /// The caller had not heard the first GOAWAY, and is told that this call was not taken; the others are finished.
    @Test func whatCrossesTheLastGoAwayIsIgnored() {
        var scene = ServerScene(small(stream: 100, connection: 100))
        scene.request(1)
        scene.goAway()
        scene.pass(.seconds(1))
        _ = (scene.said(), scene.commands())
        scene.request(3, .clientStreaming)
        scene.hear(.message, stream: 3, bytes: 60)
        scene.hear(.end, flags: .endStream, stream: 3)
        scene.hear(.cancel, stream: 3)
        #expect(scene.connection.phase == .open && scene.commands().isEmpty)
        #expect(scene.said().map(\.stream) == [0], "the connection's credit, and no word of the call")
        scene.finish(1)
        #expect(scene.said().map(\.kind) == [.response] && scene.connection.phase == .closed)
    }

    // MARK: Metadata

    private func metadata(_ key: String, _ value: String) -> [UInt8] {
        Metadata(entries: [.init(key: key, text: value)]).packed()
    }

    /// Refused before any handler, whatever the method is.
    @Test(arguments: [("Upper", "x"), ("", "x"), ("umlaut", "ü"), ("line", "\n"), ("a b", "x")])
    func metadataThatBreaksTheRulesIsRefused(key: String, value: String) throws {
        var scene = ServerScene()
        let methods = MethodKind.allCases.map { UInt16($0.rawValue) + 1 } + [ServerScene.inPlace]
        for (index, method) in methods.enumerated() {
            let stream = UInt32(2 * index + 1)
            scene.hear(
                RawFrames.request(
                    [], method: method, stream: stream, flags: .endStream, metadata: metadata(key, value)))
            var payload = try #require(scene.said().first { $0.stream == stream }, "method \(method)").payload
            let error = try #require(ResponseTrailer(from: &payload).error)
            #expect(error.code == .invalidArgument && error.ran == .no)
        }
        #expect(scene.commands().isEmpty && scene.connection.inPlace.isEmpty && scene.connection.phase == .open)
    }

    @Test func metadataThatCannotBeReadEndsTheConnection() throws {
        for method in [UInt16(1), ServerScene.inPlace] {
            var scene = ServerScene()
            scene.hear(RawFrames.request([], method: method, metadata: [0x0A, 0xFF]))
            try expectClose("metadata cannot be read", &scene)
        }
    }

    /// It ran, and what it said is its fault, not its caller's.
    @Test func aHandlersWrongMetadataIsAnInternalError() throws {
        let wrong = Metadata(entries: [.init(key: "Upper", text: "x")])
        for answer in [Answer(metadata: wrong), Answer(initialMetadata: wrong)] {
            var scene = ServerScene()
            scene.request(1)
            scene.finish(1, .success(answer))
            var payload = try #require(scene.said().first).payload
            let error = try #require(ResponseTrailer(from: &payload).error)
            #expect(error.code == .internalError && error.ran == .yes)
        }
        var scene = ServerScene()
        scene.request(1, .serverStreaming)
        let error = scene.connection.say(wrong, on: 1, into: &scene.actions)
        #expect(error?.code == .internalError && error?.ran == .yes)
    }

    // MARK: Time

    /// A large answer over a slow line: it is taken, byte by byte, and not given up.
    @Test func whoTakesSlowlyIsNotGivenUpAndWhoTakesNothingIs() throws {
        var scene = ServerScene()
        scene.connection.traffic.bytesOut = 1_000_000
        scene.connection.writabilityChanged(false, waiting: 900_000, now: scene.now)
        for waiting in stride(from: 800_000, through: 200_000, by: -100_000) {
            scene.pass(.seconds(30), waiting: waiting)
            #expect(scene.connection.phase == .open)
        }
        // What is written meanwhile has not left, either.
        scene.connection.traffic.bytesOut += 1000
        scene.pass(.seconds(29), waiting: 201_000)
        #expect(scene.connection.phase == .open)
        scene.pass(.seconds(1), waiting: 201_000)
        try expectClose("answers were left unread for too long", &scene)
    }

    /// The server does not listen while its answers are not taken; what it does not hear then is not late.
    @Test func theTimeInWhichNobodyListensDoesNotCount() throws {
        var scene = ServerScene()
        scene.hear(RawFrames.header(length: 100, kind: FrameKind.request.rawValue))
        scene.pass(.seconds(20))
        scene.connection.writabilityChanged(false, waiting: 1000, now: scene.now)
        scene.connection.traffic.bytesOut = 1000
        for waiting in stride(from: 900, through: 100, by: -100) { scene.pass(.seconds(29), waiting: waiting) }
        #expect(scene.said().isEmpty && scene.connection.phase == .open, "neither a PING nor the end")
        scene.connection.writabilityChanged(true, now: scene.now)
        scene.pass(.seconds(9))
        #expect(scene.connection.phase == .open)
        scene.pass(.seconds(1))
        try expectClose("a frame took too long to arrive", &scene)
    }

    @Test func aFrameMustArriveWhole() throws {
        var scene = ServerScene()
        var frame = RawFrames.request([UInt8](repeating: 1, count: 100))
        // Bytes keep coming, and do not put the end off.
        for _ in 0..<30 {
            scene.hear(frame.readSlice(length: 1) ?? ByteBuffer())
            scene.pass(.seconds(1))
            _ = scene.said().filter { $0.kind != .close }
            if scene.connection.phase == .closed { break }
        }
        #expect(scene.connection.phase == .closed)
        #expect(scene.now == ServerScene.start + .seconds(30))
    }

    /// The clock starts anew with every frame, and stands still between two.
    @Test func wholeFramesHaveAllTheTimeInTheWorld() {
        var scene = ServerScene()
        let ping = RawFrames.frame(.ping, flags: [], payload: PingPayload.keepalive)
        for n in 0..<UInt32(10) {
            // The end of one frame and the beginning of the next.
            var bytes = RawFrames.joined(RawFrames.request([], stream: 2 * n + 1), ping)
            scene.hear(bytes.readSlice(length: bytes.readableBytes - 5) ?? ByteBuffer())
            scene.pass(.seconds(29))
            scene.hear(bytes)
            scene.pass(.seconds(50))
            scene.finish(2 * n + 1)
        }
        #expect(scene.connection.phase == .open)
    }

    /// It made a call a moment ago.
    @Test func aConnectionThatMakesCallsIsNotIdle() {
        var configuration = Stage.configuration()
        configuration.maxConnectionIdle = .seconds(10)
        configuration.keepalive = KeepaliveConfiguration(interval: nil)
        var scene = ServerScene(configuration)
        for n in 0..<UInt32(5) {
            scene.pass(.seconds(6))
            scene.request(2 * n + 1)
            scene.finish(2 * n + 1)
            #expect(!scene.said().contains { $0.kind == .goAway })
        }
        scene.pass(.seconds(10))
        #expect(scene.said().first?.kind == .goAway)
    }

    @Test func tooManyPingsAreNamed() throws {
        var scene = ServerScene()
        for _ in 0..<4 { scene.hear(RawFrames.frame(.ping, flags: [], payload: PingPayload.keepalive)) }
        try expectClose("too many pings", &scene)
    }
}
