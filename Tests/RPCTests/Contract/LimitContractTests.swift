import Synchronization
import Testing

@testable import RPC

/// What one side does not take, the other side does not send; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct LimitContractTests {
    @Test(arguments: World.allCases)
    func anAnswerAboveTheCallersLimitIsAnError(world: World) async throws {
        let methods = MethodTable.make {
            $0.unary("test/Big") { _ in Answer([UInt8](repeating: 1, count: 101)) }
            $0.serverStreaming("test/BigPart") { _, writer in
                try await writer.write([UInt8](repeating: 1, count: 101))
                return Metadata()
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let limits = Limits(maxMessageBytes: 100)
            let channel = stage.channel(ChannelConfiguration(clusterId: "nest", limits: limits))
            let whole = await failure { _ = try await channel.unary("test/Big", []) }
            let part = await failure { for try await _ in channel.serverStreaming("test/BigPart", []) {} }
            for error in [whole, part] {
                #expect(error?.code == .resourceExhausted)
                // The server said so, on a connection that lives.
                #expect(error?.load != nil && error?.ran == .yes)
            }
            try await expectEcho(channel, [1])
        }
    }

    @Test(arguments: World.allCases)
    func aCallThatCannotBeMadeDoesNotLeave(world: World) async throws {
        let methods = MethodTable.make { $0.serverStreaming("test/Parts") { _, _ in Metadata() } }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let parts = await failure { _ = try await channel.unary("test/Parts", []) }
            #expect(parts?.message == "test/Parts is a serverStreaming method")
            let whole = await failure { for try await _ in channel.serverStreaming("test/Echo", []) {} }
            #expect(whole?.message == "test/Echo is a unary method")
            let session = CallOptions(session: [UInt8](repeating: 1, count: 65_536))
            let long = await failure { _ = try await channel.unary("test/Echo", [], options: session) }
            #expect(long?.code == .invalidArgument)
            var many = CallOptions()
            for n in 0...Metadata.maxEntries { many.metadata["n\(n)"] = [] }
            let entries = await failure { _ = try await channel.unary("test/Echo", [], options: many) }
            #expect(entries?.code == .invalidArgument)
            for error in [parts, whole, long, entries] { #expect(error?.ran == .no && error?.load == nil) }
            try await expectEcho(channel, [1])
        }
    }

    @Test(arguments: World.allCases)
    func max_concurrent_streams(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.clientLimits.maxConcurrentStreams = 1
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        try await Stage.play(world, configuration, methods: methods) { stage in
            let channel = stage.channel(ChannelConfiguration(clusterId: "nest", maxWaitingCalls: 1))
            async let held = channel.unary("test/Hold", [])
            try await entered.wait()
            let waits = await failure {
                _ = try await channel.unary("test/Echo", [], options: CallOptions(timeout: .milliseconds(20)))
            }
            #expect(waits?.code == .deadlineExceeded && waits?.ran == .no)
            let outcomes = await withTaskGroup(of: RPCError?.self) { group in
                for n in 0..<3 {
                    group.addTask { await failureIfAny { _ = try await channel.unary("test/Echo", [UInt8(n)]) } }
                }
                leave.open()
                return await group.reduce(into: []) { $0.append($1) }
            }
            // At least the one place that there is was used; nobody was left behind.
            #expect(outcomes.filter { $0 == nil }.count >= 1)
            #expect(outcomes.compactMap { $0 }.allSatisfy { $0.code == .resourceExhausted && $0.ran == .no })
            _ = try await held
            try await expectEcho(channel, [1])
        }
    }

    /// More than may wait for one connection, over a socket that takes some megabytes at a time.
    @Test(arguments: World.allCases)
    func answersThatFillTheSocketComeAll(world: World) async throws {
        let methods = MethodTable.make {
            $0.immediate("test/Large") { _ in Answer([UInt8](repeating: 1, count: 4_000_000), compression: .never) }
        }
        try await Stage.play(world, methods: methods) { stage in
            let (channel, tap) = stage.tapped()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<24 {
                    group.addTask { try await channel.unary("test/Large", [], options: .bounded).message.count }
                }
                for try await count in group { #expect(count == 4_000_000) }
            }
            #expect(tap.tries.count == 1)
        }
    }

    /// Nodes full of clients' calls that refused each other could finish none of them.
    @Test(arguments: World.allCases)
    func aFullServerStillHearsItsPeers(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxInFlight = 1
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        try await Stage.play(world, configuration, methods: methods) { stage in
            async let held = stage.channel().unary("test/Hold", [])
            try await entered.wait()
            let peer = stage.channel(
                ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: "n2", secret: Stage.secret)))
            try await expectEcho(peer, [1])
            leave.open()
            _ = try await held
        }
    }

    @Test(arguments: World.allCases)
    func moreConnectionsThanAllowedAreRefused(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxConnections = 1
        try await Stage.play(world, configuration, methods: .make()) { stage in
            let first = stage.channel()
            _ = try await first.unary("test/Echo", [])
            let error = await failure { _ = try await stage.channel().unary("test/Echo", []) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.ran == .no)
        }
    }

    /// Calls of every kind take turns, and none is refused.
    @Test(arguments: World.allCases)
    func max_streams_of_1_with_ten_calls(world: World) async throws {
        let running = Atomic(0)
        let worst = Atomic(0)
        let methods = MethodTable.make {
            $0.unary("test/Count") { call in
                worst.max(running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                try await breather()
                running.subtract(1, ordering: .relaxed)
                return Answer(call.message)
            }
            $0.bidirectional("test/Chat") { _, requests, responses in
                worst.max(running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                for try await message in requests { try await responses.write(message) }
                running.subtract(1, ordering: .relaxed)
                return Metadata()
            }
        }
        var configuration = Stage.configuration()
        configuration.clientLimits.maxConcurrentStreams = 1
        try await Stage.play(world, configuration, methods: methods) { stage in
            let (channel, tap) = stage.tapped()
            try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
                for n in UInt8(0)..<10 {
                    group.addTask {
                        guard n.isMultiple(of: 2) else { return try await channel.unary("test/Count", [n]).message }
                        let chat = channel.bidirectional("test/Chat")
                        try await chat.send([n])
                        let answer = try await chat.next()
                        chat.finish()
                        _ = try await chat.reply()
                        return answer
                    }
                }
                let answers = try await group.reduce(into: Set<[UInt8]>()) { if let answer = $1 { $0.insert(answer) } }
                #expect(answers.count == 10)
            }
            #expect(worst.load(ordering: .relaxed) == 1)
            #expect(tap.tries.count == 1)
        }
    }
}
