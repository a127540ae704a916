import NIOCore
import Testing

@testable import RPC

/// Calls that are made and answered where they lie: the same promises as others', and bad input refused alike.
@Suite(.timeLimit(.minutes(1))) struct InPlaceContractTests {
    private static let methods = MethodTable.make {
        $0.inPlace("test/InPlace") { call, answer throws(RPCError) in
            guard call.message.first != 0 else { throw RPCError(.aborted, "not this") }
            answer.writeBytes(call.message)
        }
    }

    /// What one call in place ends with.
    private func call(
        _ channel: RPC.Channel, _ message: [UInt8], _ options: CallOptions = CallOptions()
    ) async throws -> Result<[UInt8], RPCError> {
        let loop = channel.core.loop
        let promise = loop.makePromise(of: Result<[UInt8], RPCError>.self)
        let caller = InPlaceCaller(channel, method: "test/InPlace", options: options) { _, reply in
            promise.succeed(reply.error.map { .failure($0) } ?? .success(Array(reply.message)))
        }
        loop.execute {
            caller.call(1) { $0.writeBytes(message) }
            caller.flush()
        }
        let result = try await promise.futureResult.get()
        withExtendedLifetime(caller) {}
        return result
    }

    @Test(arguments: World.allCases)
    func bothWaysOfCallingGetTheSame(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let channel = stage.channel()
            // The first goes the long way: the connection is not open yet.
            for message in [[UInt8]([1]), [1, 2, 3], [UInt8](repeating: 5, count: 5000)] {
                let result = try await call(channel, message)
                #expect(result == .success(message))
                let reply = try await channel.unary("test/InPlace", message)
                #expect(reply.message == message)
            }
            let refused = try await call(channel, [0])
            #expect(refused.failure?.code == .aborted && refused.failure?.message == "not this")
        }
    }

    @Test(arguments: World.allCases)
    func whatCannotBeSentIsRefusedWithTheReason(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let channel = stage.channel()
            _ = try await call(channel, [1])
            var options = CallOptions()
            options.session = [UInt8](repeating: 1, count: 70_000)
            let session = try await call(channel, [1], options)
            #expect(session.failure?.code == .invalidArgument && session.failure?.ran == Ran.no)
            options = CallOptions()
            options.metadata["Upper"] = [1]
            let metadata = try await call(channel, [1], options)
            #expect(metadata.failure?.code == .invalidArgument && metadata.failure?.ran == Ran.no)
            let large = try await call(channel, [UInt8](repeating: 1, count: 5 << 20))
            #expect(large.failure?.code == .resourceExhausted && large.failure?.ran == Ran.no)
            let after = try await call(channel, [7])
            #expect(after == .success([7]))
        }
    }

    /// A message may be above the limit in a frame that is not.
    @Test(arguments: World.allCases)
    func aMessageAboveTheLimitEndsTheConnection(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.clientLimits.maxMessageBytes = 100
        try await Stage.play(world, configuration, methods: Self.methods) { stage in
            let number = try #require(Self.methods.names.firstIndex(of: "test/InPlace"))
            let raw = try await RawEnd.connect(to: stage)
            var bytes = RawConnection.greeting()
            FrameEncoder.write(.request, flags: .endStream, stream: 1, into: &bytes) {
                RequestHead(method: UInt16(number + 1)).write(packedMetadata: [], into: &$0)
                $0.writeRepeatingByte(1, count: 101)
                return []
            }
            raw.say(bytes)
            let last = try #require(await raw.framesUntilClosed().last)
            try #require(last.kind == .close)
            #expect(try Close(unpacking: last.payload).code == .resourceExhausted)
        }
    }

    /// Answers to many calls come together, and the longer nobody looks, the more: looking for the first of them would
    /// cost all.
    @Test(arguments: World.allCases)
    func onlyWhoWaitsForOneAnswerLooksForIt(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            for (inFlight, looks) in [(1, true), (8, false)] {
                let (channel, tap) = stage.tapped()
                try await expectEcho(channel, [1])
                let calls = CallsInPlace(channel, method: "test/InPlace", message: [1])
                try await calls.run(200, inFlight: inFlight)
                // The very last call may be alone.
                #expect((tap.looks > 1) == looks, "\(inFlight) in flight, and \(tap.looks) looks")
            }
        }
    }

    /// The time of a call without a deadline counts, too: a connection that is used is not idle.
    @Test func aCallKeepsTheConnectionFromBeingIdle() async throws {
        try await Stage.play(.tcp, methods: Self.methods) { stage in
            let channel = stage.channel(
                ChannelConfiguration(clusterId: "nest", keepalive: KeepaliveConfiguration(interval: .seconds(3600))))
            let core = channel.core
            var due = NIODeadline.now()
            // The first call opens the connection.
            for _ in 0..<3 {
                _ = try await call(channel, [1])
                let next = try #require(try await core.loop.submit { core.nextDeadline }.get())
                #expect(next > due, "a call after which the time until the connection is idle goes on")
                due = next
            }
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
