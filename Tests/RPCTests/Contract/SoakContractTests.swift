import Testing

@testable import RPC

/// The same thing many times over; the same in every world.
@Suite(.timeLimit(.minutes(1))) struct SoakContractTests {
    @Test(arguments: World.allCases)
    func rpc_soak(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            let (channel, tap) = stage.tapped()
            for _ in 0..<500 { try await Self.largeUnary(channel) }
            #expect(tap.tries.count == 1)
            #expect(stage.server.load.inFlight == 0)
        }
    }

    @Test(arguments: World.allCases)
    func channel_soak(world: World) async throws {
        try await Stage.play(world, methods: ContractService.methods()) { stage in
            for n in 0..<200 {
                let channel = stage.channel()
                try await Self.largeUnary(channel)
                // A channel that is only let go of ends its connection, too.
                if n.isMultiple(of: 2) { await channel.close() }
            }
            try await eventually("every connection ends") { stage.server.connectionCount == 0 }
        }
    }

    private static func largeUnary(_ channel: RPC.Channel) async throws {
        let order = Order(bytes: 314_159)
        let reply = try await channel.unary(ContractService.unary, order.message(size: 271_828))
        #expect(reply.message.count == order.bytes)
    }
}
