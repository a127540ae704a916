import NIOCore
import Testing

@testable import RPC

/// What all connections of a server may make it keep (docs/decisions/0015): each stays within its own limits here, and one
/// holds more than its share of a budget of a megabyte; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct MemoryContractTests {
    /// Ways to have a server keep something.
    enum Hoard: CaseIterable, Sendable {
        /// Hardly anything on the wire: they are counted as they are when decompressed.
        case unreadMessages
        case emptyMessages
        case requests
        /// Of requests without a message.
        case sessions
        /// Messages of handlers that wait for credit.
        case answers
    }

    private static let budget = 1 << 20
    private static let zeroes = [UInt8](repeating: 0, count: 200_000)

    private static var configuration: ServerConfiguration {
        var configuration = Stage.configuration()
        configuration.maxMemoryBytes = budget
        return configuration
    }

    private static let methods = MethodTable.make {
        $0.clientStreaming("test/Unread") { _, _ in
            try await Gate().wait()
            return Answer()
        }
        $0.unary("test/Hold") { _ in
            try await Gate().wait()
            return Answer()
        }
        $0.serverStreaming("test/Parts") { _, writer in
            for _ in 0..<2 { try await writer.write(zeroes, compression: .never) }
            return Metadata()
        }
    }

    @Test(arguments: World.allCases, Hoard.allCases)
    func whoHoldsMostOfTooMuchIsClosed(world: World, hoard: Hoard) async throws {
        try await Stage.play(world, Self.configuration, methods: Self.methods) { stage in
            let bystander = stage.channel()
            try await expectEcho(bystander, [1])
            // What the first one held is free again for the second.
            for _ in 0..<2 {
                let error = await failure { try await Self.hold(hoard, stage) }
                #expect(error?.code == .unavailable && error?.ran == .unknown, "\(String(describing: error))")
                #expect(error?.message.contains("more than its share") == true, "\(String(describing: error))")
                try await expectEcho(bystander, [2])
            }
        }
    }

    /// Holds more than the budget until that ends.
    private static func hold(_ hoard: Hoard, _ stage: Stage) async throws {
        let channel = stage.channel(
            ChannelConfiguration(clusterId: "nest", limits: Limits(streamCreditBytes: 1)))
        let call = channel.clientStreaming("test/Unread", options: .bounded)
        switch hoard {
        case .unreadMessages:
            try await send(8, zeroes, on: call)
        case .emptyMessages:
            try await send(40_000, [], on: call)
        case .requests: try await all { try await channel.unary("test/Hold", zeroes, options: .bounded) }
        case .sessions:
            var options = CallOptions.bounded
            options.session = [UInt8](repeating: 0, count: 60_000)
            let withSession = options
            try await all(32) { try await channel.unary("test/Hold", [], options: withSession) }
        case .answers: try await all { try await channel.serverStreaming("test/Parts", [], options: .bounded).reply() }
        }
    }

    /// The call's end says why nothing more can be sent.
    private static func send(_ count: Int, _ message: [UInt8], on call: StreamingCall) async throws {
        _ = await failureIfAny { for _ in 0..<count { try await call.send(message, compression: .always) } }
        _ = try await call.reply()
    }

    private static func all(_ count: Int = 8, _ call: @escaping @Sendable () async throws -> Reply) async throws {
        try await withThrowingTaskGroup { group in
            for _ in 0..<count { group.addTask { _ = try await call() } }
            try await group.waitForAll()
        }
    }

    /// No memory is set aside for what a header claims, but what has come is kept.
    @Test(arguments: World.allCases)
    func aPartOfAFrameCounts(world: World) async throws {
        try await Stage.play(world, Self.configuration, methods: Self.methods) { stage in
            let raw = try await RawEnd.connect(to: stage)
            let part = ByteBuffer(repeating: 0, count: 2 * Self.budget)
            raw.say(RawFrames.joined(RawConnection.greeting(), RawFrames.header(length: 1 << 22, kind: 4), part))
            let last = try #require(await raw.framesUntilClosed().last)
            try #require(last.kind == .close)
            #expect(try Close(unpacking: last.payload).reason.contains("more than its share"))
        }
    }

    /// Who comes when there is nothing left may still hold a share; and who has most of it is found at its next word.
    @Test(arguments: World.allCases)
    func whoHoldsLittleDoesNotNotice(world: World) async throws {
        try await Stage.play(world, Self.configuration, methods: Self.methods) { stage in
            let (channel, tap) = stage.tapped()
            let much = channel.clientStreaming("test/Unread", options: .bounded)
            for _ in 0..<5 { try await much.send(Self.zeroes, compression: .always) }
            try await expectEcho(channel, [1])
            #expect(tap.tries.count == 1, "the budget is not used up")
            let (modest, modestTap) = stage.tapped()
            let little = modest.clientStreaming("test/Unread", options: .bounded)
            for _ in 0..<2 { try await little.send(Self.zeroes, compression: .always) }
            try await expectEcho(modest, [2])
            let error = await failure { try await Self.send(1, [], on: much) }
            #expect(error?.message.contains("more than its share") == true)
            try await expectEcho(modest, [3])
            #expect(modestTap.tries.count == 1)
            little.cancel()
        }
    }

    /// What nodes send must arrive.
    @Test(arguments: World.allCases)
    func nodesAreNotCounted(world: World) async throws {
        try await Stage.play(world, Self.configuration, methods: Self.methods) { stage in
            let node = ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: "n2", secret: Stage.secret))
            let (peer, tap) = stage.tapped(node)
            let much = peer.clientStreaming("test/Unread", options: .bounded)
            for _ in 0..<8 { try await much.send(Self.zeroes, compression: .always) }
            try await expectEcho(peer, [1])
            let (client, clientTap) = stage.tapped()
            let some = client.clientStreaming("test/Unread", options: .bounded)
            for _ in 0..<4 { try await some.send(Self.zeroes, compression: .always) }
            try await expectEcho(client, [2])
            #expect(tap.tries.count == 1 && clientTap.tries.count == 1)
            much.cancel()
            some.cancel()
        }
    }

    /// A handler that ends without having read leaves nothing behind on a connection that lives on.
    @Test(arguments: World.allCases)
    func whatNobodyReadIsFreeWhenItsHandlerEnds(world: World) async throws {
        let gates = (0..<8).map { _ in Gate() }
        let methods = MethodTable.make {
            $0.clientStreaming("test/Ignores") { call, _ in
                try await gates[call.metadata[text: "round"].flatMap { Int($0) } ?? 0].wait()
                return Answer()
            }
        }
        try await Stage.play(world, Self.configuration, methods: methods) { stage in
            let (channel, tap) = stage.tapped()
            for (round, gate) in gates.enumerated() {
                var options = CallOptions.bounded
                options.metadata[text: "round"] = "\(round)"
                let call = channel.clientStreaming("test/Ignores", options: options)
                for _ in 0..<3 { try await call.send(Self.zeroes, compression: .always) }
                // By then the messages have come, too.
                try await expectEcho(channel, [1])
                gate.open()
                _ = try await call.reply()
            }
            #expect(tap.tries.count == 1)
        }
    }
}
