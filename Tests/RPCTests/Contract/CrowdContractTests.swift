import NIOCore
import NIOPosix
import Testing

@testable import RPC

/// Many who are there and say nothing. Over TCP alone, and with the server in a process of its own: a process may not
/// have the descriptors for both ends, and what the other end costs is not the server's.
@Suite(.timeLimit(.minutes(2))) struct CrowdContractTests {
    private static let crowd = 10_000
    private static let mostBytes = 200 << 20

    @Test(.enabled(if: ServerProcess.mayHold(descriptors: UInt(crowd) + 500), "too few descriptors are allowed here"))
    func ten_thousand_idle_connections() async throws {
        let server = try await ServerProcess()
        let transport = TCPTransport(group: MultiThreadedEventLoopGroup.singleton)
        let channel = RPC.Channel(
            host: "127.0.0.1", port: server.port, configuration: ChannelConfiguration(clusterId: "nest"),
            transport: transport, group: MultiThreadedEventLoopGroup.singleton, logger: Stage.quiet)
        try await expectAnswers(channel, connections: 1)
        let before = try server.residentBytes()
        let ends = try await Self.fill(server.port, over: transport)
        try await expectAnswers(channel, connections: Self.crowd + 1)
        // Every one of them is heard and answered.
        for end in ends { end.say(.ping, payload: PingPayload.keepalive) }
        for end in ends {
            let heard = await end.frames { $0.contains { $0.kind == .pong } }
            try #require(heard.map(\.kind) == [.welcome, .pong])
        }
        try await expectAnswers(channel, connections: Self.crowd + 1)
        let grown = try server.residentBytes() - before
        #expect(grown < Self.mostBytes, "\(grown / Self.crowd) bytes a connection")
        await channel.close()
        try server.end()
    }

    /// A few hundred at a time, so that none is lost at the listener's door.
    private static func fill(_ port: Int, over transport: any Transport) async throws -> [RawEnd] {
        var ends: [RawEnd] = []
        while ends.count < crowd {
            try await withThrowingTaskGroup(of: RawEnd.self) { group in
                for _ in 0..<min(250, crowd - ends.count) {
                    group.addTask {
                        let end = try await RawEnd.connect(port: port, over: transport)
                        end.say(RawConnection.greeting())
                        _ = await end.frames { $0.contains { $0.kind == .welcome } }
                        return end
                    }
                }
                for try await end in group { ends.append(end) }
            }
        }
        return ends
    }

    /// A hundred calls, each within a second.
    private func expectAnswers(_ channel: RPC.Channel, connections: Int) async throws {
        for _ in 0..<100 {
            let answer = try await channel.unary(
                "contract.Server/Connections", [], options: CallOptions(timeout: .seconds(1)))
            try #require(answer.message == Array("\(connections)".utf8))
        }
    }
}
