import NIOCore
import Synchronization
import Testing

@testable import RPC

/// One end disappears in the middle of a call; what had arrived whole counts, nothing else does, and the next call is
/// made on a new connection. After gRPC's negative tests (doc/negative-http2-interop-test-descriptions.md there).
@Suite(.timeLimit(.minutes(1))) struct ResetContractTests {
    private static let message: [UInt8] = [1, 2, 3]

    @Test(arguments: World.allCases, Side.allCases)
    func reset_after_header(world: World, side: Side) async throws {
        try await expectReset(world, side, after: ByteBuffer(), messages: [])
    }

    @Test(arguments: World.allCases, Side.allCases)
    func reset_during_data(world: World, side: Side) async throws {
        var half = RawFrames.frame(.message, flags: [], stream: 1, payload: Self.message)
        half.moveWriterIndex(to: half.writerIndex - 1)
        try await expectReset(world, side, after: half, messages: [])
    }

    @Test(arguments: World.allCases, Side.allCases)
    func reset_after_data(world: World, side: Side) async throws {
        let whole = RawFrames.frame(.message, flags: [], stream: 1, payload: Self.message)
        try await expectReset(world, side, after: whole, messages: [Self.message])
    }

    private func expectReset(
        _ world: World, _ side: Side, after bytes: ByteBuffer, messages: [[UInt8]]
    ) async throws {
        switch side {
        case .client: try await expectHandlerHears(world, messages, after: bytes)
        case .server: try await expectCallerHears(world, messages, after: bytes)
        }
    }

    /// The handler is told by its reader, and by its cancellation.
    private func expectHandlerHears(_ world: World, _ messages: [[UInt8]], after bytes: ByteBuffer) async throws {
        let heard = Mutex<[[UInt8]]>([])
        let (entered, stopped) = (Gate(), Gate())
        let methods = MethodTable.make {
            $0.bidirectional("test/Chat") { _, requests, _ in
                entered.open()
                let error = await failure {
                    for try await message in requests { heard.withLock { $0.append(message) } }
                }
                #expect(error?.code == .cancelled)
                do { try await Gate().wait() } catch { stopped.open() }
                return Metadata()
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let raw = try await RawEnd.connect(to: stage)
            raw.say(RawConnection.greeting())
            raw.say(RawFrames.joined(RawFrames.request([], method: 2, flags: []), bytes))
            try await entered.wait()
            raw.say(ByteBuffer(), last: .leaves)
            try await stopped.wait()
            #expect(heard.withLock { $0 } == messages)
            try await expectEcho(stage.channel(), [1])
        }
    }

    private func expectCallerHears(_ world: World, _ messages: [[UInt8]], after bytes: ByteBuffer) async throws {
        var metadata = Metadata()
        metadata[text: "who"] = "wren"
        let header = RawFrames.frame(.metadata, flags: [], stream: 1, payload: metadata.packed())
        let script: ScriptedServer.Script = { end, frame, connection in
            guard connection == 0 else { return end.echo(frame) }
            end.say(RawFrames.joined(header, bytes), last: .leaves)
        }
        try await ScriptedServer.play(world, script: script) { server in
            let channel = server.channel()
            let call = channel.serverStreaming("test/Parts", [])
            #expect(try await call.initialMetadata() == metadata)
            var heard: [[UInt8]] = []
            let error = await failure { for try await message in call { heard.append(message) } }
            #expect(heard == messages)
            #expect(error?.code == .unavailable && error?.ran == .unknown && error?.retryable == false)
            // Its end may not have been heard of yet when the call is made; then that call, too, is in doubt.
            try await eventually("the next call is made elsewhere") {
                await failureIfAny { try await expectEcho(channel, [1]) } == nil
            }
        }
    }
}
