import NIOCore
import NIOPosix
import Testing

@testable import RPC

/// Who may connect; the same in every world.
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
}
