import NIOCore
import Testing

@testable import RPC

/// The orderly end loses nothing that GOAWAY has promised.
@Suite(.timeLimit(.minutes(1))) struct FarewellContractTests {
    private static let methods = MethodTable.make {
        $0.inPlace("test/InPlace") { call, answer throws(RPCError) in answer.writeBytes(call.message) }
    }

    /// One read brings the last request, which is answered in place, and the PONG behind which all may end.
    @Test(arguments: World.allCases)
    func aCallInFrontOfThePongIsAnswered(world: World) async throws {
        try await Stage.play(world, methods: Self.methods) { stage in
            let number = try #require(Self.methods.names.firstIndex(of: "test/InPlace"))
            let lastWords = RawFrames.joined(
                RawFrames.request([7], method: UInt16(number + 1)),
                RawFrames.frame(.pong, flags: [], payload: PingPayload.farewell))
            let transport = stage.world.transport(to: stage.transport, as: .client)
            let raw = try await RawEnd.connect(port: stage.port, over: transport) { end, frame in
                if frame.kind == .ping { end.say(lastWords) }
            }
            raw.say(RawConnection.greeting())
            _ = await raw.frames { !$0.isEmpty }
            async let shutdown: Void = stage.server.shutdown(grace: .seconds(30))
            let kinds = await raw.framesUntilClosed().map(\.kind)
            #expect(kinds == [.welcome, .goAway, .ping, .goAway, .response])
            await shutdown
        }
    }
}
