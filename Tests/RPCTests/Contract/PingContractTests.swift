import NIOCore
import Testing

@testable import RPC

/// Whether the other side is still there; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct PingContractTests {
    private static func channel(_ keepalive: KeepaliveConfiguration) -> ChannelConfiguration {
        ChannelConfiguration(clusterId: "nest", keepalive: keepalive)
    }

    /// A call may last; PINGs that are answered keep its connection.
    @Test(arguments: World.allCases)
    func ping(world: World) async throws {
        let (entered, leave) = (Gate(), Gate())
        let methods = MethodTable.make { $0.holding("test/Hold", entered: entered, leave: leave) }
        var configuration = Stage.configuration()
        configuration.minPingInterval = .zero
        configuration.keepalive = KeepaliveConfiguration(interval: .milliseconds(5), timeout: .seconds(30))
        try await Stage.play(world, configuration, methods: methods) { stage in
            let (channel, tap) = stage.tapped(
                Self.channel(KeepaliveConfiguration(interval: .milliseconds(5), timeout: .seconds(30))))
            async let held = channel.unary("test/Hold", [5])
            try await entered.wait()
            try await eventually("PINGs are sent and answered, both ways") {
                [true, false].allSatisfy { isSent in
                    tap.sightings(.ping, isSent: isSent).count >= 3 && tap.sightings(.pong, isSent: isSent).count >= 3
                }
            }
            leave.open()
            #expect(try await held.message == [5])
            #expect(tap.tries.count == 1)
        }
    }

    @Test(arguments: World.allCases, Side.allCases)
    func ping_that_nobody_answers(world: World, side: Side) async throws {
        let keepalive = KeepaliveConfiguration(
            interval: .milliseconds(20), timeout: .milliseconds(50), withoutCalls: true)
        switch side {
        case .client:
            var configuration = Stage.configuration()
            configuration.keepalive = keepalive
            try await Stage.play(world, configuration, methods: .make()) { stage in
                let raw = try await RawEnd.connect(to: stage)
                raw.say(RawConnection.greeting())
                #expect(await raw.framesUntilClosed().map(\.kind) == [.welcome, .ping, .close])
            }
        case .server:
            try await ScriptedServer.play(world, script: { _, _, _ in }) { server in
                let error = await failure {
                    _ = try await server.channel(Self.channel(keepalive)).unary("test/Echo", [])
                }
                #expect(error?.code == .unavailable && error?.ran == .unknown)
                #expect(error?.message.contains("nothing was heard") == true)
                #expect(await server.ends.first?.framesUntilClosed().map(\.kind) == [.hello, .request, .ping])
            }
        }
    }

    /// A client that asks too often is turned away, and asks half as often from then on, until it is let be.
    @Test(arguments: World.allCases)
    func too_many_pings(world: World) async throws {
        let methods = MethodTable.make { $0.sleeping("test/Sleep", entered: Gate(), stopped: Gate()) }
        var configuration = Stage.configuration()
        configuration.minPingInterval = .seconds(60)
        try await Stage.play(world, configuration, methods: methods) { stage in
            let (channel, tap) = stage.tapped(
                Self.channel(KeepaliveConfiguration(interval: .milliseconds(10), timeout: .seconds(30))))
            for turn in 0..<3 {
                let error = await failure { _ = try await channel.unary("test/Sleep", []) }
                #expect(error?.code == .unavailable && error?.ran == .unknown)
                #expect(error?.message.contains(Close.tooManyPings) == true)
                let own = tap.sightings(.ping, isSent: true).filter { $0.connection == turn }
                #expect(own.count == 4)
            }
            // 10, 20, 40 ms of silence before each of four.
            let spread = try #require(tap.tries.last) - tap.tries[0]
            #expect(spread >= .milliseconds(4 * 10 + 4 * 20))
        }
    }

    @Test(arguments: World.allCases)
    func pings_between_calls_are_no_offence(world: World) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let raw = try await RawEnd.connect(to: stage)
            raw.say(RawConnection.greeting())
            for n in 0..<UInt32(20) {
                raw.say(.ping, payload: PingPayload.keepalive)
                raw.say(.ping, payload: PingPayload.keepalive)
                raw.say(RawFrames.request([1], stream: 2 * n + 1))
            }
            let frames = await raw.frames { $0.filter { $0.kind == .response }.count == 20 }
            #expect(frames.filter { $0.kind == .pong }.count == 40)
            #expect(!raw.isClosed)
        }
    }
}
