import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RPC

/// Calls of many messages from the caller, alone and in both directions.
@Suite(.timeLimit(.minutes(1))) struct ManyMessagesContractTests {
    @Test(arguments: World.allCases)
    func client_streaming(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let call = stage.channel().clientStreaming(ContractService.sum)
            for size in [27182, 8, 1828, 45904] { try await call.send([UInt8](repeating: 0, count: size)) }
            call.finish()
            #expect(try await call.reply().message == Self.sum(74922))
        }
    }

    private static func sum(_ bytes: UInt32) -> [UInt8] {
        withUnsafeBytes(of: bytes.littleEndian) { Array($0) }
    }

    /// Each message is compressed or not as its sender says.
    @Test(arguments: World.allCases)
    func client_compressed_streaming(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let (channel, tap) = stage.tapped()
            let call = channel.clientStreaming(ContractService.sum)
            try await call.send([UInt8](repeating: 0, count: 27182), compression: .always)
            try await call.send([UInt8](repeating: 0, count: 45904), compression: .never)
            try await call.send([UInt8](repeating: 0, count: 100), compression: .always)
            call.finish()
            #expect(try await call.reply().message == Self.sum(27182 + 45904 + 100))
            #expect(tap.sightings(.message, isSent: true).map(\.isCompressed) == [true, false, true])
        }
    }

    @Test(arguments: World.allCases)
    func ping_pong(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let call = stage.channel().bidirectional(ContractService.chat)
            for (asked, given) in [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)] {
                try await call.send(Order(bytes: given).message(size: asked))
                #expect(try await call.next()?.count == given)
            }
            call.finish()
            #expect(try await call.next() == nil)
        }
    }

    @Test(arguments: World.allCases)
    func empty_stream(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let channel = stage.channel()
            let chat = channel.bidirectional(ContractService.chat)
            chat.finish()
            let nothing = try await chat.next()
            #expect(nothing == nil)
            #expect(try await chat.reply().message.isEmpty)
            let sum = channel.clientStreaming(ContractService.sum)
            sum.finish()
            #expect(try await sum.reply().message == Self.sum(0))
            #expect(try await channel.serverStreaming(ContractService.parts, []).next() == nil)
        }
    }

    @Test(arguments: World.allCases)
    func aHandlerHearsAllAndAnswersOnce(world: World) async throws {
        let methods = MethodTable.make {
            $0.clientStreaming("test/Sum") { call, requests in
                var sum = 0
                for try await message in requests { sum += message.count }
                var trailing = call.metadata
                trailing[text: "sum"] = "\(sum)"
                return Answer([UInt8(sum % 251)], initialMetadata: call.metadata, metadata: trailing)
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            var options = CallOptions()
            options.metadata[text: "who"] = "wren"
            options.metadata["raw-bin"] = [0, 255]
            for sizes in [[], [0], [27182, 8, 1828, 45904]] {
                let call = stage.channel().clientStreaming("test/Sum", options: options)
                for size in sizes { try await call.send([UInt8](repeating: 7, count: size)) }
                call.finish()
                let reply = try await call.reply()
                #expect(reply.message == [UInt8(sizes.reduce(0, +) % 251)])
                #expect(reply.initialMetadata == options.metadata)
                #expect(reply.metadata[text: "sum"] == "\(sizes.reduce(0, +))")
            }
        }
    }

    @Test(arguments: World.allCases)
    func bothSidesTalkInTurns(world: World) async throws {
        let methods = MethodTable.make {
            $0.bidirectional("test/Parrot") { call, requests, responses in
                try await responses.start(call.metadata)
                for try await message in requests { try await responses.write(message) }
                return call.metadata
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            var options = CallOptions()
            options.metadata[text: "who"] = "wren"
            let call = stage.channel().bidirectional("test/Parrot", options: options)
            #expect(try await call.initialMetadata() == options.metadata)
            for size in [31415, 9, 2653, 58979] {
                let message = [UInt8](repeating: 3, count: size)
                try await call.send(message)
                #expect(try await call.next() == message)
            }
            call.finish()
            #expect(try await call.next() == nil)
            #expect(try await call.reply().metadata == options.metadata)
        }
    }

    /// The server takes no more than its credit ahead of its handler, on this stream, and others go on.
    @Test(arguments: World.allCases)
    func push_back_to_the_caller(world: World) async throws {
        let leave = Gate()
        let methods = MethodTable.make {
            $0.clientStreaming("test/Slow") { _, requests in
                try await leave.wait()
                var count = 0
                for try await _ in requests { count += 1 }
                return Answer(Array("\(count)".utf8))
            }
        }
        var configuration = Stage.configuration()
        configuration.clientLimits.streamCreditBytes = 1000
        try await Stage.play(world, configuration, methods: methods) { stage in
            let channel = stage.channel()
            let call = channel.clientStreaming("test/Slow")
            let sent = Atomic(0)
            let writing = Task {
                for _ in 0..<100 {
                    try await call.send([UInt8](repeating: 1, count: 100))
                    sent.add(1, ordering: .relaxed)
                }
                call.finish()
            }
            for n in 0..<20 { try await expectEcho(channel, [UInt8(n)]) }
            #expect(sent.load(ordering: .relaxed) <= 10)
            leave.open()
            try await writing.value
            #expect(try await call.reply().message == Array("100".utf8))
        }
    }

    /// A writer that waits for credit would else wait for as long as the call lasts.
    @Test(arguments: World.allCases)
    func cancellingTheWritingTaskEndsTheCall(world: World) async throws {
        let stopped = Gate()
        let methods = MethodTable.make {
            $0.clientStreaming("test/Deaf") { _, _ in
                do {
                    try await Gate().wait()
                } catch {
                    stopped.open()
                    throw error
                }
                return Answer()
            }
        }
        var configuration = Stage.configuration()
        configuration.clientLimits.streamCreditBytes = 100
        try await Stage.play(world, configuration, methods: methods) { stage in
            let call = stage.channel().clientStreaming("test/Deaf")
            try await call.send([UInt8](repeating: 1, count: 100))
            let writing = Task { try await call.send([1]) }
            writing.cancel()
            try await stopped.wait()
            #expect(await failure { try await writing.value } != nil)
            withExtendedLifetime(call) {}
        }
    }

    /// What is on its way then is dropped, and its credit given back.
    @Test(arguments: World.allCases)
    func anAnswerMayComeBeforeTheCallerHasSaidAll(world: World) async throws {
        let methods = MethodTable.make {
            $0.clientStreaming("test/First") { _, requests in Answer(try await requests.next() ?? []) }
        }
        var configuration = Stage.configuration()
        configuration.clientLimits.streamCreditBytes = 2000
        configuration.clientLimits.connectionCreditBytes = 4000
        try await Stage.play(world, configuration, methods: methods) { stage in
            let channel = stage.channel()
            for n in 0..<20 {
                let call = channel.clientStreaming("test/First")
                let error = await failureIfAny {
                    for _ in 0..<50 { try await call.send([UInt8](repeating: UInt8(n), count: 500)) }
                }
                #expect(error == nil || error?.code == .failedPrecondition)
                let reply = try await call.reply()
                #expect(reply.message.count == 500)
            }
        }
    }

    @Test(arguments: World.allCases)
    func lettingGoCancelsTheReadingHandler(world: World) async throws {
        let (entered, stopped) = (Gate(), Gate())
        let methods = MethodTable.make {
            $0.clientStreaming("test/Wait") { _, requests in
                entered.open()
                do {
                    while try await requests.next() != nil {}
                } catch {
                    stopped.open()
                    throw error
                }
                return Answer()
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            var call: StreamingCall? = channel.clientStreaming("test/Wait")
            try await call?.send([1])
            try await entered.wait()
            call = nil
            try await stopped.wait()
            try await expectEcho(channel, [1])
        }
    }
}
