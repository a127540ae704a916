import Testing

@testable import RPC

/// `rookery.Health`, in every world.
@Suite(.timeLimit(.minutes(1))) struct HealthContractTests {
    private static let methods = MethodTable.make { $0.unary("nest.Eggs/Lay") { _ in Answer() } }

    @Test(arguments: World.allCases)
    func aServerAndItsServicesServeUntilTheyAreSaidNotTo(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let channel = stage.channel()
            let whole = try await channel.health()
            #expect(whole == .serving)
            #expect(try await channel.health(of: "nest.Eggs") == .serving)
            #expect(try await channel.health(of: "rookery.Health") == .serving)
            stage.server.health.set("nest.Eggs", serving: false)
            #expect(try await channel.health(of: "nest.Eggs") == .notServing)
            #expect(try await channel.health() == .serving)
            stage.server.drain()
            #expect(try await channel.health() == .notServing)
        }
    }

    @Test(arguments: World.allCases)
    func checkingAServiceThatIsNotThereIsNotFound(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let error = await failure { _ = try await stage.channel().health(of: "nest.Cuckoo") }
            #expect(error?.code == .notFound)
            #expect(error?.message == "this server has no service \"nest.Cuckoo\"")
            let malformed = await failure { _ = try await stage.channel().unary(Health.check.name, [0xFF]) }
            #expect(malformed?.code == .invalidArgument)
            #expect(malformed?.message == "the message is no rookery.rpc.HealthRequest")
        }
    }

    @Test(arguments: World.allCases)
    func aWatcherHearsTheStatusAndThenEachChange(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let health = stage.server.health
            let channel = stage.channel()
            let (whole, eggs) = (channel.watchHealth(), channel.watchHealth(of: "nest.Eggs"))
            let cuckoo = channel.watchHealth(of: "nest.Cuckoo")
            let first = try await whole.next()
            #expect(first == .serving)
            #expect(try await eggs.next() == .serving)
            #expect(try await cuckoo.next() == .serviceUnknown)
            health.set("nest.Eggs", serving: false)
            #expect(try await eggs.next() == .notServing)
            health.set("nest.Cuckoo", serving: true)
            #expect(try await cuckoo.next() == .serving)
            stage.server.drain()
            #expect(try await whole.next() == .notServing)
            #expect(try await cuckoo.next() == .notServing)
        }
    }

    /// A caller that gives no credit: one message is on its way, one waits, and all that happens meanwhile is nothing.
    @Test(arguments: World.allCases)
    func aWatcherThatDoesNotReadCostsOneMessage(world: World) async throws {
        var configuration = ChannelConfiguration(clusterId: "nest")
        configuration.limits.streamCreditBytes = 1
        try await Stage.play(world, methods: Self.methods) { stage in
            let watch = stage.channel(configuration).watchHealth()
            try await eventually("the watcher waits for a change") { stage.server.health.waitingCount == 1 }
            let inspector = stage.channel()
            for round in 0..<1000 {
                stage.server.health.set("", serving: round % 2 == 1)
                if round % 100 == 0 {
                    let streams = try await inspector.streams(of: 1).streams
                    #expect(streams.map(\.method) == ["rookery.Health/Watch"])
                    #expect(streams.allSatisfy { $0.messagesWaiting <= 1 })
                }
            }
            stage.server.drain()
            var heard: [HealthStatus] = []
            while heard.count < 2 || heard.last != .notServing, let status = try await watch.next() {
                heard.append(status)
            }
            #expect(heard.first == .serving && heard.last == .notServing)
            #expect(heard.count <= 4, "a thousand changes are not kept: \(heard)")
        }
    }

    /// Else who watches, for as long as they like, would take the places of everybody's calls.
    @Test(arguments: World.allCases)
    func watchesHavePlacesOfTheirOwn(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.maxInFlight = 1
        try await Stage.play(world, configuration, methods: Self.methods) { stage in
            let channel = stage.channel()
            var watches: [HealthWatch] = []
            for _ in 0..<16 {
                watches.append(channel.watchHealth(options: .bounded))
                #expect(try await watches.last?.next() == .serving)
            }
            let error = await failure { _ = try await channel.watchHealth(options: .bounded).next() }
            #expect(error?.code == .resourceExhausted && error?.ran == .no && error?.retryable == true)
            #expect(stage.server.load.inFlight == 0 && stage.server.load.medianLatencyUs == 0)
            try await expectEcho(channel, [1])
            let other = stage.channel()
            #expect(try await other.watchHealth(options: .bounded).next() == .serving)
            watches.removeFirst().cancel()
            try await eventually("a place is free") {
                await failureIfAny { _ = try await channel.watchHealth(options: .bounded).next() } == nil
            }
        }
    }

    @Test(arguments: World.allCases)
    func whoIsGoneIsNotWaitedFor(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let (health, channel) = (stage.server.health, stage.channel())
            let cancelled = channel.watchHealth()
            #expect(try await cancelled.next() == .serving)
            let overdue = channel.watchHealth(options: CallOptions(timeout: .milliseconds(100)))
            cancelled.cancel()
            #expect(await failure { _ = try await cancelled.next() }?.code == .cancelled)
            let error = await failure { while try await overdue.next() != nil {} }
            #expect(error?.code == .deadlineExceeded)
            try await eventually("nobody waits") { health.waitingCount == 0 && stage.server.load.inFlight == 0 }
        }
    }

    /// The shutdown waits for calls that run for as long as an hour; a watch is told to go, and does not hold it up.
    @Test(arguments: World.allCases)
    func aShutdownIsToldAndNotHeldUp(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let channel = stage.channel()
            let (whole, cuckoo) = (channel.watchHealth(), channel.watchHealth(of: "nest.Cuckoo"))
            let first = try await whole.next()
            #expect(first == .serving)
            #expect(try await cuckoo.next() == .serviceUnknown)
            await stage.server.shutdown(grace: .seconds(3600))
            #expect(try await whole.next() == .notServing)
            for watch in [whole, cuckoo] {
                let error = await failure { _ = try await watch.next() }
                #expect(error?.code == .unavailable && error?.message == "the server is shutting down")
            }
        }
    }
}
