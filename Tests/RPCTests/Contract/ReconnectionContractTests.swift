import NIOCore
import NIOPosix
import Testing

@testable import RPC

/// What happens to calls when connections end, and how the next one is made; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct ReconnectionContractTests {
    /// The next call moves to a new connection while the old one finishes what runs on it.
    @Test(arguments: World.allCases)
    func go_away(world: World) async throws {
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make {
            $0.holding("test/Hold", entered: entered, leave: leave)
            $0.bidirectional("test/Chat") { _, requests, responses in
                for try await message in requests { try await responses.write(message) }
                return Metadata()
            }
        }
        var configuration = Stage.configuration()
        configuration.maxConnectionAge = .milliseconds(50)
        try await Stage.play(world, configuration, methods: methods) { stage in
            let (channel, tap) = stage.tapped()
            let chat = channel.bidirectional("test/Chat")
            async let held = channel.unary("test/Hold", [5])
            try await entered.wait()
            try await eventually("the first connection is told twice to go away") {
                tap.sightings(.goAway, isSent: false).filter { $0.connection == 0 }.count == 2
            }
            try await expectEcho(channel, [1])
            let moved = try #require(tap.sightings(.request, isSent: true).last)
            #expect(moved.connection > 0)
            // What ran goes on in both directions.
            for n in UInt8(0)..<10 {
                try await chat.send([n])
                #expect(try await chat.next() == [n])
            }
            chat.finish()
            _ = try await chat.reply()
            leave.open()
            #expect(try await held.message == [5])
        }
    }

    /// Connections come and go under it, and no call notices.
    @Test(arguments: World.allCases)
    func go_away_again_and_again(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxConnectionAge = .milliseconds(5)
        try await Stage.play(world, configuration, methods: .make()) { stage in
            let (channel, tap) = stage.tapped()
            var calls = 0
            while tap.tries.count < 10 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for n in UInt8(0)..<20 { group.addTask { try await expectEcho(channel, [n]) } }
                    try await group.waitForAll()
                }
                calls += 20
            }
            #expect(tap.sightings(.response, isSent: false).count == calls)
        }
    }

    /// Tries become rarer, by at least what the backoff says; calls that do not wait are refused in between, and cause
    /// no try of their own.
    @Test(arguments: World.allCases)
    func connection_backoff(world: World) async throws {
        let stage = try await Stage.start(world, methods: .make())
        await stage.server.abort()
        let backoff = Backoff(initial: .milliseconds(20), factor: 2, cap: .milliseconds(60), jitter: 0)
        let (channel, tap) = stage.tapped(ChannelConfiguration(clusterId: "nest", backoff: backoff))
        let waiting = Task { try await channel.unary("test/Echo", [], options: CallOptions(waitsForReady: true)) }
        try await eventually("there are five tries") {
            guard tap.tries.count >= 1 else { return false }
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.code == .unavailable && error?.ran == .no)
            return tap.tries.count >= 5
        }
        let tries = tap.tries.prefix(5)
        let waits = zip(tries.dropFirst(), tries).map { $0 - $1 }
        for (wait, least) in zip(waits, [20, 40, 60, 60]) { #expect(wait >= .milliseconds(Int64(least))) }
        waiting.cancel()
        let error = await failure { _ = try await waiting.value }
        #expect(error?.code == .cancelled && error?.ran == .no)
        await channel.close()
    }

    /// Who hears by another way that the server is back need not sit the wait out.
    @Test(arguments: World.allCases)
    func forgottenFailuresCauseATryAtOnce(world: World) async throws {
        let stage = try await Stage.start(world, methods: .make())
        await stage.server.abort()
        let (channel, tap) = stage.tapped(
            ChannelConfiguration(clusterId: "nest", backoff: Backoff(initial: .seconds(3600), cap: .seconds(3600))))
        for _ in 0..<3 { #expect(await failure { _ = try await channel.unary("test/Echo", []) }?.ran == .no) }
        #expect(tap.tries.count == 1)
        channel.forgetFailures()
        #expect(await failure { _ = try await channel.unary("test/Echo", []) }?.code == .unavailable)
        #expect(tap.tries.count == 2)
        await channel.close()
    }

    @Test(arguments: World.allCases)
    func nobodyThereIsSaidAtOnceAndAgain(world: World) async throws {
        let stage = try await Stage.start(world, methods: .make())
        await stage.server.abort()
        let channel = stage.channel()
        // The second call comes while the next try is not yet due; it hears what the first one found.
        for _ in 0..<2 {
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.code == .unavailable)
            #expect(error?.ran == .no)
            #expect(error?.retryable == true)
            #expect(error?.message == "connection refused by 127.0.0.1:\(stage.port)")
        }
    }

    @Test(arguments: World.allCases)
    func aServerThatDiesLeavesItsCallsInDoubt(world: World) async throws {
        let entered = Gate()
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: entered, stopped: Gate()) }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let call = Task { try await channel.unary("test/Sleep", []) }
            try await entered.wait()
            await stage.server.abort()
            let error = await failure { _ = try await call.value }
            #expect(error?.code == .unavailable)
            #expect(error?.ran == .unknown)
            #expect(error?.retryable == false)
        }
    }

    @Test(arguments: World.allCases)
    func aRestartedServerIsFoundAgain(world: World) async throws {
        let stage = try await Stage.start(world, methods: .make())
        let channel = stage.channel()
        _ = try await channel.unary("test/Echo", [])
        await stage.server.shutdown(grace: .seconds(10))
        let second = Stage.makeServer(Stage.configuration(), .make(), stage.transport)
        #expect(try await second.start(host: "127.0.0.1", port: stage.port) == stage.port)
        // The old connection's end may still be on its way: such a call says so and may be repeated.
        var reply: Reply?
        while reply == nil {
            do {
                reply = try await channel.unary("test/Echo", [7])
            } catch let error as RPCError {
                try #require(error.code == .unavailable)
            }
        }
        #expect(reply?.message == [7])
        await second.abort()
    }

    @Test(arguments: World.allCases)
    func go_away_of_a_shutdown(world: World) async throws {
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            async let held = channel.unary("test/Hold", [5])
            try await entered.wait()
            async let shutdown: Void = stage.server.shutdown(grace: .seconds(30))
            // New calls are refused, and known not to have run, until and after the end.
            var refusal: RPCError?
            while refusal == nil {
                do {
                    _ = try await channel.unary("test/Echo", [])
                } catch let error as RPCError {
                    refusal = error
                }
            }
            #expect(refusal?.code == .unavailable)
            #expect(refusal?.ran == .no)
            leave.open()
            let answer = try await held
            #expect(answer.message == [5])
            await shutdown
        }
    }

    @Test(arguments: World.allCases)
    func graceEndsAndHandlersAreCancelled(world: World) async throws {
        let (entered, stopped) = (Gate(), Gate())
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: entered, stopped: stopped) }
        try await Stage.play(world, methods: methods) { stage in
            let channel = stage.channel()
            let call = Task { try await channel.unary("test/Sleep", []) }
            try await entered.wait()
            await stage.server.shutdown(grace: .milliseconds(10))
            let error = await failure { _ = try await call.value }
            #expect(error?.code == .unavailable)
            try await stopped.wait()
        }
    }

    @Test(arguments: World.allCases)
    func aClosedChannelRefuses(world: World) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let channel = stage.channel()
            _ = try await channel.unary("test/Echo", [])
            await channel.close()
            let error = await failure { _ = try await channel.unary("test/Echo", []) }
            #expect(error?.code == .unavailable)
            #expect(error?.ran == .no)
        }
    }

    @Test(arguments: World.allCases)
    func wait_for_ready(world: World) async throws {
        let transport = world.transport()
        let first = Stage.makeServer(Stage.configuration(), .make(), transport)
        let port = try await first.start(host: "127.0.0.1", port: 0)
        await first.abort()
        let channel = RPC.Channel(
            host: "127.0.0.1", port: port, configuration: ChannelConfiguration(clusterId: "nest", backoff: .local),
            transport: world.transport(to: transport, as: .client), group: MultiThreadedEventLoopGroup.singleton,
            logger: Stage.quiet)
        let refused = await failure { _ = try await channel.unary("test/Echo", []) }
        #expect(refused?.code == .unavailable)
        let late = await failure {
            _ = try await channel.unary(
                "test/Echo", [], options: CallOptions(timeout: .milliseconds(150), waitsForReady: true))
        }
        #expect(late?.code == .deadlineExceeded && late?.ran == .no)
        async let patient = channel.unary("test/Echo", [5], options: CallOptions(waitsForReady: true))
        let second = Stage.makeServer(Stage.configuration(), .make(), transport)
        _ = try await second.start(host: "127.0.0.1", port: port)
        #expect(try await patient.message == [5])
        await second.abort()
    }
}
