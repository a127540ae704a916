import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RPC

/// Calls with one request and one answer, the same in every world.
@Suite(.timeLimit(.minutes(1))) struct UnaryContractTests {
    // MARK: Unary

    @Test(arguments: World.allCases)
    func empty_unary(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let reply = try await stage.channel().unary(ContractService.empty, [])
            #expect(reply.message.isEmpty && reply.metadata.isEmpty && reply.initialMetadata.isEmpty)
        }
    }

    @Test(arguments: World.allCases, [Compression.automatic, .never])
    func large_unary(world: World, compression: Compression) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let reply = try await Self.largeUnary(stage.channel(), compression)
            #expect(reply.isCompressed == (compression != .never))
        }
    }

    /// 271,828 bytes there and 314,159 back.
    private static func largeUnary(_ channel: RPC.Channel, _ compression: Compression) async throws -> Reply {
        let order = Order(bytes: 314_159, compression: compression)
        let reply = try await channel.unary(
            ContractService.unary, order.message(size: 271_828), options: CallOptions(compression: compression))
        #expect(reply.message == order.body)
        #expect(reply.metadata[text: "request"] == "271828")
        return reply
    }

    /// Whether a message is compressed is its sender's wish, one by one; what would not get smaller is not.
    @Test(arguments: World.allCases)
    func client_compressed_unary(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let channel = stage.channel()
            for (compression, size, isCompressed) in [
                (Compression.always, 271_828, "true"), (.never, 271_828, "false"), (.always, 100, "true"),
                (.automatic, 100, "false"), (.always, 5, "false"),
            ] {
                let reply = try await channel.unary(
                    ContractService.unary, Order(bytes: 1).message(size: size),
                    options: CallOptions(compression: compression))
                #expect(reply.metadata[text: "compressed"] == isCompressed, "\(compression), \(size)")
            }
        }
    }

    @Test(arguments: World.allCases)
    func server_compressed_unary(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let (channel, tap) = stage.tapped()
            for (compression, size, isCompressed) in [
                (Compression.always, 314_159, true), (.never, 314_159, false), (.always, 100, true),
                (.automatic, 100, false),
            ] {
                let order = Order(bytes: size, compression: compression)
                let reply = try await channel.unary(ContractService.unary, order.message())
                #expect(reply.message == order.body)
                #expect(reply.isCompressed == isCompressed, "\(compression), \(size)")
            }
            let flags = tap.sightings(.response, isSent: false).map(\.isCompressed)
            #expect(flags == [true, false, true, false])
        }
    }

    /// Nobody compresses for who did not agree, whatever the caller wishes.
    @Test(arguments: World.allCases)
    func compressionThatWasNotAgreedOnIsLeftOut(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let channel = stage.channel(ChannelConfiguration(clusterId: "nest", compressionThreshold: nil))
            let order = Order(bytes: 5000, compression: .always)
            let reply = try await channel.unary(
                ContractService.unary, order.message(size: 5000), options: CallOptions(compression: .always))
            #expect(reply.message == order.body && !reply.isCompressed)
            #expect(reply.metadata[text: "compressed"] == "false")
        }
    }

    /// Uncompressed it is five times what a server lets wait for one connection.
    @Test(arguments: World.allCases, [Compression.automatic, .never])
    func concurrent_large_unary(world: World, compression: Compression) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let channel = stage.channel()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for n in 0..<1000 {
                    group.addTask {
                        // Each its own answer, told apart by its size.
                        let order = Order(bytes: 314_159 + n, compression: compression)
                        let reply = try await channel.unary(
                            ContractService.unary, order.message(size: 271_828),
                            options: CallOptions(compression: compression))
                        #expect(reply.message.count == order.bytes)
                    }
                }
                try await group.waitForAll()
            }
            #expect(channel.inFlight == 0)
        }
    }

    @Test(arguments: World.allCases, [0, 1, 1023, 1024, 100_000, 4_194_304])
    func anAnswerOfAnySizeComesBack(world: World, size: Int) async throws {
        var random = SeededGenerator(seed: UInt64(size))
        let noise = random.bytes(size)
        let monotony = [UInt8](repeating: 65, count: size)
        try await Stage.play(world, methods: .make()) { stage in
            let channel = stage.channel()
            try await expectEcho(channel, noise)
            try await expectEcho(channel, monotony)
            let plain = stage.channel(ChannelConfiguration(clusterId: "nest", compressionThreshold: nil))
            try await expectEcho(plain, monotony)
        }
    }

    @Test(arguments: World.allCases)
    func aHandlerSeesAllThatTheCallerSaid(world: World) async throws {
        let seen = Mutex<Call?>(nil)
        let methods = MethodTable.make {
            $0.unary("test/Look") { call in
                seen.withLock { $0 = call }
                return Answer(metadata: call.metadata)
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            var options = CallOptions(timeout: .seconds(30))
            options.session = [1, 2, 3]
            options.key = IdempotencyKey(high: 5, low: .max)
            options.partition = 777
            options.revision = 99
            options.metadata[text: "colour"] = "green"
            options.metadata["shade-bin"] = Array("grün".utf8)
            options.metadata.traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            let reply = try await stage.channel().unary("test/Look", [9], options: options)
            let call = try #require(seen.withLock { $0 })
            #expect(call.method == "test/Look")
            #expect(call.session == options.session)
            #expect(call.key == options.key)
            #expect(call.partition == 777)
            #expect(call.revision == 99)
            #expect(call.metadata == options.metadata)
            #expect(call.peer.role == .client)
            #expect(call.deadline != nil)
            #expect(reply.metadata == options.metadata)
        }
    }

    @Test(arguments: World.allCases)
    func aThousandCallsAtOnceGetTheirOwnAnswers(world: World) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let channel = stage.channel()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for n in 0..<1000 {
                    group.addTask {
                        let message = Array("call \(n)".utf8)
                        try await expectEcho(channel, message)
                    }
                }
                try await group.waitForAll()
            }
            #expect(channel.inFlight == 0)
        }
    }
}
