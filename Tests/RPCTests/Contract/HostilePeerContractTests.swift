import NIOCore
import Testing

@testable import RPC

/// Which end of a connection breaks the rules.
enum Side: CaseIterable, Sendable {
    case client
    case server
}

/// Hostile bytes from either side, in every world: the other side says why, closes, and everybody else goes on.
@Suite(.timeLimit(.minutes(1))) struct HostilePeerContractTests {
    // MARK: Frames that lie

    @Test(arguments: World.allCases, Side.allCases)
    func unknown_kind(world: World, side: Side) async throws {
        let bytes = RawFrames.header(length: 0, kind: 99)
        try await expectRefusal(world, side, of: bytes, .invalidArgument, "unknown frame kind 99")
    }

    /// The claim alone is refused: waiting for the bytes would be believing it.
    @Test(arguments: World.allCases, Side.allCases)
    func lying_length(world: World, side: Side) async throws {
        let bytes = RawFrames.header(length: .max, kind: 8)
        try await expectRefusal(world, side, of: bytes, .resourceExhausted, "4294967295 bytes is above the limit")
    }

    @Test(arguments: World.allCases, Side.allCases)
    func bad_checksum_in_header(world: World, side: Side) async throws {
        let bytes = RawFrames.header(length: 0, kind: 8, checksumError: 1)
        try await expectRefusal(world, side, of: bytes, .dataLoss, "header checksum")
    }

    @Test(arguments: World.allCases, Side.allCases)
    func bad_checksum_in_payload(world: World, side: Side) async throws {
        try await expectRefusal(world, side, of: RawFrames.damagedPayload(), .dataLoss, "payload checksum")
    }

    /// A gigabyte is claimed in six bytes; and a megabyte, which would be within the limit.
    @Test(arguments: World.allCases, Side.allCases)
    func compression_bomb(world: World, side: Side) async throws {
        for (declared, code, reason) in [
            (UInt32(1 << 30), StatusCode.resourceExhausted, "above the limit of 4194304"),
            (1 << 20, .invalidArgument, "claims 1048576 bytes"),
        ] {
            let message = RawFrames.bomb(declared: declared)
            let flags: FrameFlags = [.endStream, .compressed]
            let bytes =
                side == .client
                ? RawFrames.request(message, flags: flags)
                : RawFrames.frame(
                    .response, flags: flags, stream: 1, payload: [UInt8](repeating: 0, count: 16) + message)
            try await expectRefusal(world, side, of: bytes, code, reason)
        }
    }

    private func expectRefusal(
        _ world: World, _ side: Side, of bytes: ByteBuffer, _ code: StatusCode, _ reason: String
    ) async throws {
        switch side {
        case .client: try await expectServerRefuses(world, bytes, code, reason)
        case .server: try await expectClientRefuses(world, bytes, code, reason)
        }
    }

    private func expectServerRefuses(
        _ world: World, _ bytes: ByteBuffer, _ code: StatusCode, _ reason: String
    ) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let bystander = stage.channel()
            try await expectEcho(bystander, [1])
            let raw = try await RawEnd.connect(to: stage)
            raw.say(RawFrames.joined(RawConnection.greeting(), bytes))
            try await expectClose(raw, code, reason)
            try await expectEcho(bystander, [2])
        }
    }

    private func expectClientRefuses(
        _ world: World, _ bytes: ByteBuffer, _ code: StatusCode, _ reason: String
    ) async throws {
        let script: ScriptedServer.Script = { end, frame, connection in
            if connection == 0 { end.say(bytes) } else { end.echo(frame) }
        }
        try await ScriptedServer.play(world, script: script) { server in
            let channel = server.channel()
            let error = await failure { _ = try await channel.unary("test/Echo", [1], options: .bounded) }
            #expect(error?.code == .unavailable && error?.ran == .unknown && error?.retryable == false)
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
            try await expectClose(try #require(server.ends.first), code, reason)
            try await expectEcho(channel, [2])
        }
    }

    private func expectClose(_ end: RawEnd, _ code: StatusCode, _ reason: String) async throws {
        let last = try #require(await end.framesUntilClosed().last)
        try #require(last.kind == .close)
        let close = try Close(unpacking: last.payload)
        #expect(close.code == code)
        #expect(close.reason.contains(reason), "\(close.reason)")
    }

    // MARK: Bytes that do not come

    @Test(arguments: World.allCases)
    func short_preface(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.handshakeTimeout = .milliseconds(50)
        try await Stage.play(world, configuration, methods: .make()) { stage in
            for count in [0, 5, 8] {
                let raw = try await RawEnd.connect(to: stage)
                raw.say(ByteBuffer(bytes: Preface.bytes.prefix(count)))
                try await expectClose(raw, .deadlineExceeded, "the handshake took too long")
            }
            let gone = try await RawEnd.connect(to: stage)
            gone.say(ByteBuffer(bytes: Preface.bytes.prefix(5)), last: .leaves)
            try await expectEcho(stage.channel(), [1])
        }
    }

    @Test(arguments: World.allCases)
    func aServerThatDoesNotGreetIsNotWaitedForLong(world: World) async throws {
        try await ScriptedServer.play(world, greets: false, script: { _, _, _ in }) { server in
            let channel = server.channel(
                ChannelConfiguration(clusterId: "nest", connectTimeout: .milliseconds(50)))
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.code == .unavailable && error?.ran == .no)
            #expect(error?.message.contains("while connecting") == true)
        }
    }

    /// A server watches each frame; a client has keepalive for it.
    @Test(arguments: World.allCases, Side.allCases)
    func peer_stops_mid_frame(world: World, side: Side) async throws {
        switch side {
        case .client: try await expectServerGivesUpMidFrame(world)
        case .server: try await expectClientGivesUpMidFrame(world)
        }
    }

    private func expectServerGivesUpMidFrame(_ world: World) async throws {
        var configuration = Stage.configuration()
        configuration.frameTimeout = .milliseconds(50)
        try await Stage.play(world, configuration, methods: .make()) { stage in
            let bystander = stage.channel()
            var half = RawFrames.request([UInt8](repeating: 1, count: 1000))
            half.moveWriterIndex(to: 500)
            for last in [RawEnd.Last.stays, .leaves] {
                let raw = try await RawEnd.connect(to: stage)
                raw.say(RawFrames.joined(RawConnection.greeting(), half), last: last)
                try await expectEcho(bystander, [1])
                guard case .stays = last else { continue }
                try await expectClose(raw, .deadlineExceeded, "a frame took too long to arrive")
            }
            try await expectEcho(bystander, [2])
        }
    }

    private func expectClientGivesUpMidFrame(_ world: World) async throws {
        let script: ScriptedServer.Script = { end, frame, connection in
            guard connection == 0 else { return end.echo(frame) }
            guard frame.kind == .request else { return }
            var half = RawEnd.response(frame.stream, [1, 2, 3])
            half.moveWriterIndex(to: half.writerIndex - 1)
            end.say(half)
        }
        try await ScriptedServer.play(world, script: script) { server in
            let channel = server.channel(
                ChannelConfiguration(
                    clusterId: "nest",
                    keepalive: KeepaliveConfiguration(interval: .milliseconds(20), timeout: .milliseconds(50))))
            let error = await failure { _ = try await channel.unary("test/Echo", [1]) }
            #expect(error?.code == .unavailable && error?.ran == .unknown)
            try await expectEcho(channel, [2])
        }
    }

    /// Every byte is a sign of life, and the frame never ends.
    @Test(arguments: World.allCases)
    func slow_drip_client(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.frameTimeout = .milliseconds(200)
        try await Stage.play(world, configuration, methods: .make()) { stage in
            let bystander = stage.channel()
            let raw = try await RawEnd.connect(to: stage)
            raw.say(RawConnection.greeting())
            var slow = RawFrames.request([UInt8](repeating: 1, count: 1_000_000))
            while !raw.isClosed, let byte = slow.readSlice(length: 1) {
                raw.say(byte)
                try await breather()
            }
            try await expectClose(raw, .deadlineExceeded, "a frame took too long to arrive")
            try await expectEcho(bystander, [1])
        }
    }

    // MARK: Floods

    /// Ten thousand requests, each taken back at once.
    @Test(arguments: World.allCases)
    func rapid_reset(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxCancelsPerSecond = 1000
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: Gate(), stopped: Gate()) }
        try await Stage.play(world, configuration, methods: methods) { stage in
            let bystander = stage.channel()
            try await expectEcho(bystander, [1])
            let raw = try await RawEnd.connect(to: stage)
            var flood = RawConnection.greeting()
            for n in 0..<UInt32(10_000) {
                flood.writeImmutableBuffer(RawFrames.request([], method: 2, stream: 2 * n + 1))
                flood.writeImmutableBuffer(RawFrames.frame(.cancel, flags: [], stream: 2 * n + 1))
            }
            raw.say(flood)
            try await expectClose(raw, .resourceExhausted, "more than 1000 cancelled calls in a second")
            try await expectEcho(bystander, [2])
            // Those that were started have been told to stop, and did.
            try await eventually("all handlers end") { stage.server.load.inFlight == 0 }
        }
    }

    /// Much metadata is refused where it unpacks to more than it is; where it does not, it is carried, and others have
    /// their turn.
    @Test(arguments: World.allCases)
    func header_flood(world: World) async throws {
        // Two bytes an entry: 32,000 of them would unpack to two megabytes. And one more than may be.
        for count in [32_000, Metadata.maxEntries + 1] {
            let entries = RawFrames.request([], metadata: (0..<count).flatMap { _ in [UInt8(0x0A), 0] })
            try await expectServerRefuses(world, entries, .invalidArgument, "metadata cannot be read")
        }
        var metadata = Metadata()
        for n in 0..<Metadata.maxEntries { metadata["n\(n)-bin"] = [UInt8](repeating: 1, count: 490) }
        let packed = metadata.packed()
        try await Stage.play(world, methods: .make()) { stage in
            let bystander = stage.channel()
            let raw = try await RawEnd.connect(to: stage)
            raw.say(RawConnection.greeting())
            for n in 0..<UInt32(500) { raw.say(RawFrames.request([1], stream: 2 * n + 1, metadata: packed)) }
            try await expectEcho(bystander, [1])
            let frames = await raw.frames { $0.count == 501 }
            #expect(frames.dropFirst().allSatisfy { $0.kind == .response })
        }
    }
}
