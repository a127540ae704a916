import NIOCore
import Testing

@testable import RPC

/// The accepting side's decisions, played without a socket, a clock or a task.
@Suite struct ServerConnectionTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// An open connection, and what was asked of its driver so far.
    private struct Scene {
        var connection: ServerConnection
        var actions = Actions<ServerConnection.Command>()

        /// The frames written since the last call.
        mutating func frames() throws -> [Frame] {
            var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)
            decoder.append(actions.output)
            actions.output = ByteBuffer()
            var frames: [Frame] = []
            while let frame = try decoder.next() { frames.append(frame) }
            return frames
        }

        mutating func commands() -> [ServerConnection.Command] {
            defer { actions.commands = [] }
            return actions.commands
        }
    }

    private func open(
        maxCancelsPerSecond: Int = 100, maxStreams: Int = 4, compressionThreshold: Int? = 1024,
        methods: MethodTable = .make()
    ) throws -> Scene {
        var configuration = Stage.configuration()
        configuration.compressionThreshold = compressionThreshold
        configuration.maxCancelsPerSecond = maxCancelsPerSecond
        configuration.clientLimits.maxConcurrentStreams = maxStreams
        var scene = Scene(
            connection: ServerConnection(
                configuration: configuration.connection(methods), nonce: [UInt8](repeating: 1, count: 16), now: start))
        scene.connection.received(RawConnection.greeting(), now: start, into: &scene.actions)
        let kinds = try scene.frames().map(\.kind)
        #expect(kinds == [.welcome])
        scene.actions.commands = []
        return scene
    }

    private func request(
        _ stream: UInt32, method: UInt16 = 1, remainingMs: UInt32 = 0, flags: FrameFlags = .endStream
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        var head = RequestHead(method: method)
        head.remainingMs = remainingMs
        FrameEncoder.write(.request, flags: flags, stream: stream, into: &bytes) { [head] in
            head.write(packedMetadata: [], into: &$0)
            return []
        }
        return bytes
    }

    private func cancel(_ stream: UInt32) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(.cancel, stream: stream, into: &bytes)
        return bytes
    }

    private func expectAnswer(_ code: StatusCode, _ scene: inout Scene) throws {
        let frames = try scene.frames()
        var payload = try #require(frames.first).payload
        let error = try ResponseTrailer(from: &payload).error
        #expect(error?.code == code)
    }

    private func expectSilence(_ scene: inout Scene) throws {
        let frames = try scene.frames()
        #expect(frames.isEmpty)
    }

    /// The state machine is told the certificate's name, and knows nothing else of TLS (rule G2).
    @Test func aPeerIsTheNodeThatItsCertificateNames() throws {
        let cases: [(namesPeers: Bool, shown: String?, said: FrameKind)] = [
            (false, nil, .welcome), (true, "n2", .welcome), (true, nil, .close), (true, "n3", .close),
            (true, "", .close),
        ]
        for (namesPeers, shown, said) in cases {
            var configuration = Stage.configuration().connection(.make())
            configuration.handshake.namesPeers = namesPeers
            var scene = Scene(
                connection: ServerConnection(
                    configuration: configuration, nonce: [UInt8](repeating: 1, count: 16), now: start))
            scene.connection.peerName = shown
            let greeting = RawConnection.greeting(role: .peer, nodeId: "n2")
            scene.connection.received(greeting, now: start, into: &scene.actions)
            let kinds = try scene.frames().map(\.kind)
            #expect(kinds == [said], "\(shown ?? "no certificate")")
        }
    }

    @Test func aDeadlineIsAnsweredAndTheHandlerKeepsItsPlaceUntilItEnds() throws {
        var scene = try open(maxStreams: 1)
        scene.connection.received(request(1, remainingMs: 50), now: start, into: &scene.actions)
        let deadline = start + .milliseconds(50)
        #expect(scene.connection.nextDeadline == deadline)
        scene.connection.tick(now: deadline - .nanoseconds(1), into: &scene.actions)
        try expectSilence(&scene)
        scene.connection.tick(now: deadline, into: &scene.actions)
        try expectAnswer(.deadlineExceeded, &scene)
        // The handler still runs: a second call would be one too many.
        scene.connection.received(request(3), now: deadline, into: &scene.actions)
        try expectAnswer(.resourceExhausted, &scene)
        scene.connection.finished(1, .success(Answer()), load: LoadReport(), into: &scene.actions)
        try expectSilence(&scene)
        scene.connection.received(request(5), now: deadline, into: &scene.actions)
        try expectSilence(&scene)
    }

    @Test func tenThousandResetsEndTheConnection() throws {
        var scene = try open(maxCancelsPerSecond: 50)
        for n in 0..<10_000 where scene.connection.phase == .open {
            let stream = UInt32(2 * n + 1)
            scene.connection.received(request(stream), now: start, into: &scene.actions)
            scene.connection.received(cancel(stream), now: start, into: &scene.actions)
            scene.connection.finished(stream, .success(Answer()), load: LoadReport(), into: &scene.actions)
        }
        #expect(scene.connection.phase == .closed)
        let frames = try scene.frames()
        let last = try #require(frames.last)
        #expect(try Close(unpacking: last.payload).reason.contains("cancelled calls in a second"))
    }

    @Test func resetsWhoseHandlersStillRunDoNotMakeRoomForMore() throws {
        var scene = try open(maxStreams: 4)
        for stream in stride(from: UInt32(1), to: 9, by: 2) {
            scene.connection.received(request(stream), now: start, into: &scene.actions)
            scene.connection.received(cancel(stream), now: start, into: &scene.actions)
        }
        scene.connection.received(request(9), now: start, into: &scene.actions)
        try expectAnswer(.resourceExhausted, &scene)
    }

    /// A request that was under way when the first GOAWAY was said is served; after the second none is.
    @Test func goAwayHasTwoSteps() throws {
        var scene = try open()
        scene.connection.received(request(1), now: start, into: &scene.actions)
        scene.connection.goAway("bye", now: start, into: &scene.actions)
        let first = try scene.frames()
        #expect(first.map(\.kind) == [.goAway, .ping])
        #expect(try GoAway(unpacking: first[0].payload) == GoAway(lastStream: .max, reason: "bye"))
        scene.connection.received(request(3), now: start, into: &scene.actions)
        #expect(scene.connection.streams.count == 2)
        var pong = ByteBuffer()
        FrameEncoder.write(.pong, payload: PingPayload.farewell, into: &pong)
        scene.connection.received(pong, now: start, into: &scene.actions)
        let second = try scene.frames()
        #expect(try GoAway(unpacking: try #require(second.first).payload) == GoAway(lastStream: 3, reason: "bye"))
        _ = scene.commands()
        scene.connection.received(request(5), now: start, into: &scene.actions)
        let commands = scene.commands()
        #expect(commands.isEmpty)
        scene.connection.finished(3, .success(Answer()), load: LoadReport(), into: &scene.actions)
        #expect(scene.connection.phase == .open)
        scene.connection.finished(1, .success(Answer()), load: LoadReport(), into: &scene.actions)
        #expect(try scene.frames().map(\.kind) == [.response, .response])
        #expect(scene.connection.phase == .closed)
    }

    @Test func whoDoesNotAnswerTheFarewellIsNotWaitedFor() throws {
        var scene = try open()
        scene.connection.goAway("bye", now: start, into: &scene.actions)
        let due = try #require(scene.connection.nextDeadline)
        #expect(due == start + .seconds(1))
        scene.connection.tick(now: due, into: &scene.actions)
        #expect(try scene.frames().map(\.kind) == [.goAway, .ping, .goAway])
        #expect(scene.connection.phase == .closed)
    }

    @Test func aRequestInPartsIsRefusedWithoutRunning() throws {
        var scene = try open()
        scene.connection.received(request(1, flags: []), now: start, into: &scene.actions)
        try expectAnswer(.invalidArgument, &scene)
        let commands = scene.commands()
        #expect(commands.isEmpty)
        #expect(scene.connection.phase == .open)
    }

    /// Its handler reads until the end, and would wait for ever for one that is not told.
    @Test func aStreamedRequestMayEndWithItsFirstFrame() throws {
        var scene = try open(methods: .make { $0.clientStreaming("test/Count") { _, _ in Answer() } })
        scene.connection.received(request(1, method: 2), now: start, into: &scene.actions)
        let commands = scene.commands()
        #expect(commands.count == 2)
        guard case .end(stream: 1) = commands.last else {
            Issue.record("the handler was told of no end")
            return
        }
    }

    @Test func whoHasSaidTheEndSaysNoMore() throws {
        for method in [UInt16(1), 2] {
            var scene = try open(methods: .make { $0.clientStreaming("test/Count") { _, _ in Answer() } })
            scene.connection.received(request(1, method: method), now: start, into: &scene.actions)
            var bytes = ByteBuffer()
            FrameEncoder.write(.message, stream: 1, into: &bytes)
            scene.connection.received(bytes, now: start, into: &scene.actions)
            let frames = try scene.frames()
            #expect(try Close(unpacking: try #require(frames.last).payload).code == .invalidArgument)
        }
    }

    @Test func nobodyCompressesForWhoDidNotAgree() throws {
        var scene = try open(compressionThreshold: nil)
        scene.connection.received(
            request(1, flags: [.endStream, .compressed]), now: start, into: &scene.actions)
        let frames = try scene.frames()
        let close = try Close(unpacking: try #require(frames.last).payload)
        #expect(close == Close(code: .invalidArgument, reason: "a compressed message, but LZ4 was not agreed on"))
    }

    /// The state machine turns such a peer away by itself, before it says anything of its own.
    @Test func aServerWithoutASecretHasNothingToProve() throws {
        var configuration = Stage.configuration()
        configuration.secret = []
        var scene = Scene(
            connection: ServerConnection(
                configuration: configuration.connection(.make()), nonce: [UInt8](repeating: 1, count: 16), now: start))
        scene.connection.received(
            RawConnection.greeting(role: .peer, nodeId: "n2"), now: start, into: &scene.actions)
        let frames = try scene.frames()
        #expect(frames.map(\.kind) == [.close])
        #expect(try Close(unpacking: try #require(frames.last).payload).code == .unauthenticated)
    }

    @Test func unreadAnswersEndTheConnectionInTheEnd() throws {
        var scene = try open()
        scene.connection.writabilityChanged(false, now: start)
        let limit = try #require(scene.connection.nextDeadline)
        scene.connection.tick(now: limit, into: &scene.actions)
        #expect(scene.connection.phase == .closed)
    }

    @Test func aPingIsAnswered() throws {
        var scene = try open()
        var bytes = ByteBuffer()
        FrameEncoder.write(.ping, payload: [8, 7, 6, 5, 4, 3, 2, 1], into: &bytes)
        scene.connection.received(bytes, now: start, into: &scene.actions)
        let frames = try scene.frames()
        #expect(frames == [Frame(kind: .pong, payload: ByteBuffer(bytes: [8, 7, 6, 5, 4, 3, 2, 1]))])
    }

    /// The wire's own unknown method; a channel would not send it.
    @Test func numbersBeyondTheTableAreNobodys() {
        let methods = MethodTable.make()
        #expect(throws: RPCError(.unimplemented, "there is no method 0", ran: .no)) {
            _ = try methods.method(0, for: .client)
        }
        #expect(throws: RPCError(.unimplemented, "there is no method 9", ran: .no)) {
            _ = try methods.method(9, for: .client)
        }
    }
}
