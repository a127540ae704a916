import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RPC

/// What a caller may rely on, the same in every world.
@Suite(.timeLimit(.minutes(1))) struct ContractTests {
    // MARK: Unary

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

    // MARK: Failures

    @Test(arguments: World.allCases)
    func aHandlersErrorArrivesWhole(world: World) async throws {
        let thrown = RPCError(
            .notFound, "no user \"bob\"", ran: .no, retryable: true, retryAfterMs: 250, details: [1, 2, 3])
        let methods = MethodTable.make { $0.unary("test/Fail") { _ in throw thrown } }
        try await Stage.play(world, methods: methods) { stage in
            var error = try #require(
                await failure { _ = try await stage.channel().unary("test/Fail", []) })
            #expect(error.load != nil)
            error.load = nil
            #expect(error == thrown)
        }
    }

    @Test(arguments: World.allCases)
    func anUnexpectedErrorTellsNothingOfTheInside(world: World) async throws {
        struct Secret: Error {}
        let methods = MethodTable.make { $0.unary("test/Fail") { _ in throw Secret() } }
        try await Stage.play(world, methods: methods) { stage in
            let error = await failure { _ = try await stage.channel().unary("test/Fail", []) }
            #expect(error?.code == .internalError)
            #expect(error?.message.contains("Secret") == false)
            #expect(error?.ran == .unknown)
        }
    }

    @Test(arguments: World.allCases)
    func errorsThatCannotBeSentAsTheyAreStayErrors(world: World) async throws {
        let methods = MethodTable.make {
            $0.unary("test/Fine") { _ in throw RPCError(.ok, "fine") }
            $0.unary("test/Long") { _ in
                throw RPCError(.notFound, "no", ran: .no, details: [UInt8](repeating: 1, count: 49_153))
            }
        }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let fine = await failure { _ = try await channel.unary("test/Fine", []) }
            #expect(fine?.code == .unknown && fine?.message == "fine")
            let long = await failure { _ = try await channel.unary("test/Long", []) }
            #expect(long?.code == .internalError && long?.ran == .no && long?.details == [])
        }
    }

    @Test(arguments: World.allCases)
    func anUnknownMethodIsUnimplemented(world: World) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let error = await failure { _ = try await stage.channel().unary("test/Nothing", []) }
            #expect(error?.code == .unimplemented)
            #expect(error?.ran == .no)
        }
    }

    @Test(arguments: World.allCases)
    func aMessageAboveTheServersLimitDoesNotLeave(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.clientLimits.maxMessageBytes = 100
        try await Stage.play(world, configuration, methods: .make()) { stage in
            let channel = stage.channel()
            let error = await failure {
                _ = try await channel.unary("test/Echo", [UInt8](repeating: 0, count: 101))
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.ran == .no)
            try await expectEcho(channel, [1])
        }
    }

    @Test(arguments: World.allCases)
    func aFullServerRefusesAndSaysSo(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxInFlight = 1
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        try await Stage.play(world, configuration, methods: methods) { stage in
            let channel = stage.channel()
            async let held = channel.unary("test/Hold", [])
            try await entered.wait()
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.ran == .no)
            #expect(error?.retryable == true)
            leave.open()
            _ = try await held
            try await expectEcho(channel, [1])
        }
    }

    // MARK: Time and cancellation

    @Test(arguments: World.allCases)
    func aDeadlineEndsTheCallAndItsHandler(world: World) async throws {
        let stopped = Gate()
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: Gate(), stopped: stopped) }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            // On a busy machine the time may be over before the request has left; then the handler never ran.
            var ran = Ran.no
            while ran == .no {
                let error = await failure {
                    let options = CallOptions(timeout: .milliseconds(30))
                    _ = try await channel.unary("test/Sleep", [], options: options)
                }
                try #require(error?.code == .deadlineExceeded)
                ran = error?.ran ?? .yes
            }
            #expect(ran == .unknown)
            try await stopped.wait()
        }
    }

    @Test(arguments: World.allCases)
    func cancellingTheTaskCancelsTheHandler(world: World) async throws {
        let (entered, stopped) = (Gate(), Gate())
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: entered, stopped: stopped) }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let task = Task { try await channel.unary("test/Sleep", []) }
            try await entered.wait()
            task.cancel()
            let error = await failure { _ = try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.ran == .unknown)
            try await stopped.wait()
        }
    }

    // MARK: Load and health

    @Test(arguments: World.allCases)
    func everyAnswerSaysTheLoad(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxInFlight = 10
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        try await Stage.play(world, configuration, methods: methods) { stage in
            let channel = stage.channel()
            async let held = channel.unary("test/Hold", [])
            try await entered.wait()
            let load = try await channel.unary("test/Echo", []).load
            #expect(load.inFlight == 1)
            #expect(load.utilisationPermille == 100)
            #expect(!load.draining)
            stage.server.drain()
            let health = try await channel.unary(Health.method, [])
            #expect(Health(health.message) == .draining)
            #expect(health.load.draining)
            #expect(health.load.medianLatencyUs > 0)
            leave.open()
            let last = try await held
            #expect(last.load.inFlight == 0)
        }
    }
}

extension MethodTable {
    /// A method that says when it runs and answers when it may.
    mutating func holding(_ name: String, entered: Gate, leave: Gate) {
        unary(name) { call in
            entered.open()
            try await leave.wait()
            return Answer(call.message)
        }
    }

    /// A method that ends only by being cancelled, and says so.
    mutating func sleeping(_ name: String, entered: Gate, stopped: Gate) {
        unary(name) { _ in
            entered.open()
            do {
                try await Gate().wait()
            } catch {
                stopped.open()
                throw error
            }
            return Answer()
        }
    }
}
