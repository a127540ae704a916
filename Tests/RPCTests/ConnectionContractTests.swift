import NIOCore
import NIOPosix
import Testing

@testable import RPC

/// Who may connect, and what happens to calls when connections end; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct ConnectionContractTests {
    // MARK: Who is there

    private static let peerMethods = MethodTable.make {
        $0.unary("test/Inside", role: .peer) { Answer(Array($0.peer.nodeId.utf8)) }
    }

    @Test(arguments: World.allCases)
    func aProvenPeerMayCallWhatIsForPeers(world: World) async throws {
        try await Stage.play(world, methods: Self.peerMethods) { stage in
            let peer = stage.channel(
                ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: "n2", secret: Stage.secret)))
            let name = try await peer.unary("test/Inside", []).message
            #expect(name == Array("n2".utf8))
            try await expectEcho(peer, [1])
        }
    }

    @Test(arguments: World.allCases)
    func aClientMayNotCallWhatIsForPeers(world: World) async throws {
        try await Stage.play(world, methods: Self.peerMethods) { stage in
            let error = await failure { _ = try await stage.channel().unary("test/Inside", []) }
            #expect(error?.code == .permissionDenied)
            #expect(error?.ran == .no)
        }
    }

    @Test(arguments: World.allCases)
    func aPeerWithAnotherSecretIsUnauthenticated(world: World) async throws {
        try await Stage.play(world, methods: Self.peerMethods) { stage in
            let peer = stage.channel(
                ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: "n2", secret: [1, 2, 3])))
            let error = await failure { _ = try await peer.unary("test/Inside", []) }
            #expect(error?.code == .unauthenticated)
            #expect(error?.ran == .no)
        }
    }

    @Test(arguments: World.allCases)
    func aServerWithoutASecretTakesNoPeers(world: World) async throws {
        var configuration = Stage.configuration()
        configuration.secret = []
        try await Stage.play(world, configuration, methods: Self.peerMethods) { stage in
            let peer = stage.channel(
                ChannelConfiguration(clusterId: "nest", role: .peer(nodeId: "n2", secret: [])))
            let error = await failure { _ = try await peer.unary("test/Inside", []) }
            #expect(error?.code == .unauthenticated)
        }
    }

    @Test(arguments: World.allCases)
    func anotherClustersServerIsNamed(world: World) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let stranger = stage.channel(ChannelConfiguration(clusterId: "roost"))
            let error = await failure { _ = try await stranger.unary("test/Echo", []) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.contains("belongs to cluster \"nest\", not \"roost\"") == true)
            #expect(error?.ran == .no)
        }
    }

    // MARK: Ends

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
    func goingAwayFinishesWhatRuns(world: World) async throws {
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
}
