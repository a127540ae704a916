import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RPC

/// Answers of many messages: in order, whole, and never further ahead of their reader than the credit.
@Suite(.timeLimit(.minutes(1))) struct StreamingContractTests {
    @Test(arguments: World.allCases)
    func server_streaming(world: World) async throws {
        let sizes = [31415, 9, 2653, 58979]
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            var received: [Int] = []
            let orders = sizes.flatMap { Order(bytes: $0).message() }
            for try await message in stage.channel().serverStreaming(ContractService.parts, orders) {
                received.append(message.count)
            }
            #expect(received == sizes)
        }
    }

    @Test(arguments: World.allCases)
    func server_compressed_streaming(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let (channel, tap) = stage.tapped()
            let orders =
                Order(bytes: 31415, compression: .always).message()
                + Order(bytes: 92653, compression: .never).message() + Order(bytes: 100, compression: .always).message()
            var received: [Int] = []
            for try await message in channel.serverStreaming(ContractService.parts, orders) {
                received.append(message.count)
            }
            #expect(received == [31415, 92653, 100])
            #expect(tap.sightings(.message, isSent: false).map(\.isCompressed) == [true, false, true])
        }
    }

    /// One reader stops; its writer stops with it, and nobody else does.
    @Test(arguments: World.allCases)
    func push_back_to_the_handler(world: World) async throws {
        let written = Atomic(0)
        let methods = MethodTable.make {
            $0.serverStreaming("test/Flood") { call, writer in
                for _ in 0..<100 {
                    try await writer.write([UInt8](repeating: 1, count: 100))
                    if call.message == [1] { written.add(1, ordering: .relaxed) }
                }
                return Metadata()
            }
        }
        let limits = Limits(streamCreditBytes: 1000, connectionCreditBytes: 100_000)
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel(ChannelConfiguration(clusterId: "nest", limits: limits))
            let slow = channel.serverStreaming("test/Flood", [1])
            _ = try await slow.next()
            for n in 0..<20 {
                var count = 0
                for try await _ in channel.serverStreaming("test/Flood", [2]) { count += 1 }
                #expect(count == 100)
                try await expectEcho(channel, [UInt8(n)])
            }
            // Nine messages of credit, as less than half of it has been given back.
            #expect(written.load(ordering: .relaxed) == 9)
            var rest = 0
            for try await _ in slow { rest += 1 }
            #expect(rest == 99)
            #expect(written.load(ordering: .relaxed) == 100)
        }
    }

    @Test(arguments: World.allCases)
    func messagesArriveInOrder(world: World) async throws {
        let methods = MethodTable.make {
            $0.serverStreaming("test/Count") { call, writer in
                for n in 0..<call.message[0] { try await writer.write([n]) }
                return Metadata()
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            for count in [UInt8(0), 1, 200] {
                var received: [[UInt8]] = []
                for try await message in channel.serverStreaming("test/Count", [count]) { received.append(message) }
                #expect(received == (0..<count).map { [$0] })
            }
        }
    }

    @Test(arguments: World.allCases)
    func anErrorComesAfterTheMessagesBeforeIt(world: World) async throws {
        let methods = MethodTable.make {
            $0.serverStreaming("test/Break") { _, writer in
                try await writer.write([1])
                try await writer.write([2])
                throw RPCError(.aborted, "enough")
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            var received: [[UInt8]] = []
            let error = await failure {
                for try await message in stage.channel().serverStreaming("test/Break", []) { received.append(message) }
            }
            #expect(received == [[1], [2]])
            #expect(error?.code == .aborted)
        }
    }

    @Test(arguments: World.allCases)
    func aWriterStaysWithinItsReadersCredit(world: World) async throws {
        let written = Atomic(0)
        let taken = Atomic(0)
        let worst = Atomic(0)
        let methods = MethodTable.make {
            $0.serverStreaming("test/Flood") { _, writer in
                for _ in 0..<2000 {
                    try await writer.write([UInt8](repeating: 1, count: 100))
                    let ahead = written.add(1, ordering: .relaxed).newValue - taken.load(ordering: .relaxed)
                    worst.max(ahead, ordering: .relaxed)
                }
                return Metadata()
            }
        }
        var limits = Limits.client
        limits.streamCreditBytes = 1000
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel(ChannelConfiguration(clusterId: "nest", limits: limits))
            for try await message in channel.serverStreaming("test/Flood", []) {
                #expect(message.count == 100)
                taken.add(1, ordering: .relaxed)
            }
        }
        #expect(taken.load(ordering: .relaxed) == 2000)
        // 9 messages of credit; what was taken may be given back before this test has counted it.
        #expect(worst.load(ordering: .relaxed) <= 22)
    }

    @Test(arguments: World.allCases)
    func aMessageAboveTheCreditStillArrives(world: World) async throws {
        let methods = MethodTable.make {
            $0.serverStreaming("test/Big") { _, writer in
                for _ in 0..<3 { try await writer.write([UInt8](repeating: 1, count: 50_000)) }
                return Metadata()
            }
        }
        let limits = Limits(streamCreditBytes: 10, connectionCreditBytes: 10)
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel(
                ChannelConfiguration(clusterId: "nest", limits: limits, compressionThreshold: nil))
            var sizes: [Int] = []
            for try await message in channel.serverStreaming("test/Big", []) { sizes.append(message.count) }
            #expect(sizes == [50_000, 50_000, 50_000])
        }
    }

    @Test(arguments: World.allCases)
    func lettingGoCancelsTheHandler(world: World) async throws {
        let stopped = Gate()
        let methods = MethodTable.make {
            $0.serverStreaming("test/Forever") { _, writer in
                do {
                    while true { try await writer.write([1]) }
                } catch {
                    stopped.open()
                    throw error
                }
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            for try await _ in channel.serverStreaming("test/Forever", []) { break }
            try await stopped.wait()
            // What was left unread must not have cost the connection its credit.
            try await expectEcho(channel, [1])
        }
    }

    @Test(arguments: World.allCases)
    func abandonedStreamsGiveTheConnectionsCreditBack(world: World) async throws {
        let methods = MethodTable.make {
            $0.serverStreaming("test/Some") { _, writer in
                for _ in 0..<10 { try await writer.write([UInt8](repeating: 1, count: 100)) }
                return Metadata()
            }
        }
        let limits = Limits(streamCreditBytes: 1000, connectionCreditBytes: 2000)
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel(ChannelConfiguration(clusterId: "nest", limits: limits))
            for _ in 0..<20 {
                for try await _ in channel.serverStreaming("test/Some", []) { break }
            }
            var count = 0
            for try await _ in channel.serverStreaming("test/Some", []) { count += 1 }
            #expect(count == 10)
        }
    }

    @Test(arguments: World.allCases)
    func cancellingTheReadingTaskEndsTheStream(world: World) async throws {
        let (entered, stopped) = (Gate(), Gate())
        let methods = MethodTable.make {
            $0.serverStreaming("test/Silent") { _, _ in
                entered.open()
                do {
                    try await Gate().wait()
                } catch {
                    stopped.open()
                    throw error
                }
                return Metadata()
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let reading = Task { for try await _ in channel.serverStreaming("test/Silent", []) {} }
            try await entered.wait()
            reading.cancel()
            try await stopped.wait()
            _ = await reading.result
        }
    }
}
