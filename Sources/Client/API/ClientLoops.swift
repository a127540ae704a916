import Cluster
import Coordination
import NIOCore
import NIOPosix
import RPC

/// Event loops that several clients share, for programs that act as many clients at once, as a load generator does.
public final class ClientLoops: Sendable {
    private let group: MultiThreadedEventLoopGroup

    public init(threads: Int) { group = MultiThreadedEventLoopGroup(numberOfThreads: threads) }

    /// A client with connections of its own, all of them on one of the loops. Closing it leaves the loops running.
    public func client(
        config: ClusterConfig, options: RookeryClient.Options = RookeryClient.Options()
    ) throws -> RookeryClient {
        let credentials = try RookeryClient.credentials(config.tls?.authority)
        let loop = group.next()
        return RookeryClient(
            map: try StaticMap(config: config).currentMap(), clusterId: config.clusterId, options: options,
            transport: TCPTransport(group: loop, tls: credentials), group: loop)
    }

    /// Ends the loops. The clients must be closed before.
    public func close() async { await RookeryClient.end(group) }
}
