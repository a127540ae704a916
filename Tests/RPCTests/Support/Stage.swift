import Logging
import NIOCore
import NIOPosix
import Testing

@testable import RPC

/// Where the contract is played: the same calls over memory, over sockets, and over sockets with mutual TLS.
enum World: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case inProcess
    case tcp
    case tls

    var testDescription: String { rawValue }

    /// A server's.
    func transport() -> any Transport {
        switch self {
        case .inProcess: InProcessTransport()
        case .tcp: TCPTransport(group: MultiThreadedEventLoopGroup.singleton)
        case .tls: Self.tls(TestAuthority.nest.credentials("n1"))
        }
    }

    /// That of who calls a server: with the certificate of the node it says it is.
    func transport(to server: any Transport, as role: ChannelRole) -> any Transport {
        guard self == .tls else { return server }
        return switch role {
        case .client: Self.tls(TestAuthority.nest.credentials())
        case .peer(let nodeId, _): Self.tls(TestAuthority.nest.credentials(nodeId))
        }
    }

    static func tls(_ credentials: TLSCredentials) -> TCPTransport {
        TCPTransport(group: MultiThreadedEventLoopGroup.singleton, tls: credentials)
    }
}

/// A server with methods, and channels to it.
final class Stage: Sendable {
    static let secret = Array("the cluster's secret".utf8)

    let world: World
    let transport: any Transport
    let server: Server
    let port: Int

    private init(world: World, transport: any Transport, server: Server, port: Int) {
        self.world = world
        self.transport = transport
        self.server = server
        self.port = port
    }

    static func start(
        _ world: World, _ configuration: ServerConfiguration = configuration(), methods: MethodTable
    ) async throws -> Stage {
        try await start(world, over: world.transport(), configuration, methods: methods)
    }

    private static func start(
        _ world: World, over transport: any Transport, _ configuration: ServerConfiguration, methods: MethodTable
    ) async throws -> Stage {
        let server = makeServer(configuration, methods, transport)
        let port = try await server.start(host: "127.0.0.1", port: 0)
        return Stage(world: world, transport: transport, server: server, port: port)
    }

    static func makeServer(
        _ configuration: ServerConfiguration, _ methods: MethodTable, _ transport: any Transport
    ) -> Server {
        Server(
            configuration: configuration, methods: methods, transport: transport,
            group: MultiThreadedEventLoopGroup.singleton, logger: quiet)
    }

    static func configuration() -> ServerConfiguration {
        ServerConfiguration(clusterId: "nest", nodeId: "n1", secret: secret)
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    func channel(
        _ configuration: ChannelConfiguration = ChannelConfiguration(clusterId: "nest")
    ) -> RPC.Channel {
        channel(configuration, over: world.transport(to: transport, as: configuration.role))
    }

    func channel(_ configuration: ChannelConfiguration, over transport: any Transport) -> RPC.Channel {
        RPC.Channel(
            host: "127.0.0.1", port: port, configuration: configuration, transport: transport,
            group: MultiThreadedEventLoopGroup.singleton, logger: Self.quiet)
    }

    /// Plays a story and cleans up after it.
    static func play(
        _ world: World, _ configuration: ServerConfiguration = configuration(), methods: MethodTable,
        _ story: (Stage) async throws -> Void
    ) async throws {
        try await play(start(world, configuration, methods: methods), story)
    }

    /// The same with a server over a transport of the test's own; its channels, too, are given one.
    static func play(
        over transport: any Transport, _ configuration: ServerConfiguration = configuration(), methods: MethodTable,
        _ story: (Stage) async throws -> Void
    ) async throws {
        try await play(start(.tls, over: transport, configuration, methods: methods), story)
    }

    private static func play(_ stage: Stage, _ story: (Stage) async throws -> Void) async throws {
        do {
            try await story(stage)
        } catch {
            await stage.server.abort()
            throw error
        }
        await stage.server.abort()
    }
}

extension MethodTable {
    /// Echoes its message and metadata, and what the small methods of the tests need.
    static func make(_ fill: (inout MethodTable) -> Void = { _ in }) -> MethodTable {
        var methods = MethodTable()
        methods.unary("test/Echo") { Answer($0.message, metadata: $0.metadata) }
        fill(&methods)
        return methods
    }
}

/// The error of a call that must fail.
func failure(_ body: () async throws -> Void) async -> RPCError? {
    do {
        try await body()
        Issue.record("the call succeeded")
        return nil
    } catch let error as RPCError {
        return error
    } catch {
        Issue.record("not an RPCError: \(error)")
        return nil
    }
}

/// The error of a call that may fail.
func failureIfAny(_ body: () async throws -> Void) async -> RPCError? {
    do {
        try await body()
        return nil
    } catch let error as RPCError {
        return error
    } catch {
        Issue.record("not an RPCError: \(error)")
        return nil
    }
}

/// The plainest call that must succeed.
func expectEcho(_ channel: RPC.Channel, _ message: [UInt8]) async throws {
    let reply = try await channel.unary("test/Echo", message, options: .bounded)
    #expect(reply.message == message)
}

extension CallOptions {
    /// For calls that somebody may never answer when the test fails: long enough for a slow machine, and before a test's
    /// own limit, which does not say what was waited for.
    static let bounded = CallOptions(timeout: .seconds(20))
}

extension Stage {
    /// A channel whose frames are seen.
    func tapped(
        _ configuration: ChannelConfiguration = ChannelConfiguration(clusterId: "nest")
    ) -> (channel: RPC.Channel, tap: FrameTap) {
        let tap = FrameTap(world.transport(to: transport, as: configuration.role))
        return (channel(configuration, over: tap), tap)
    }
}
