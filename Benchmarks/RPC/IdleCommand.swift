import ArgumentParser
import NIOPosix
import RPC

/// Connections that do nothing, to see what one costs the server.
struct IdleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "Opens connections and holds them until SIGTERM.")

    @Option var port: Int
    @Option var connections = 10_000

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let transport = TCPTransport(group: group)
        var channels: [RPC.Channel] = []
        for _ in 0..<connections {
            let channel = RPC.Channel(
                host: "127.0.0.1", port: port,
                configuration: ChannelConfiguration(
                    clusterId: RPCBench.clusterId, keepalive: KeepaliveConfiguration(interval: nil), idleTimeout: nil),
                transport: transport, group: group, logger: RPCBench.quiet)
            _ = try await channel.health(options: CallOptions(timeout: .seconds(10)))
            channels.append(channel)
        }
        announce("open \(channels.count)")
        try await Task.sleep(for: .seconds(100_000))
        withExtendedLifetime(channels) {}
    }
}
