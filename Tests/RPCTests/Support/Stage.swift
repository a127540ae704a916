import Logging
import NIOCore
import NIOPosix
import Testing

@testable import RPC

/// Where the contract is played: the same calls over memory and over sockets.
enum World: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case inProcess
    case tcp

    var testDescription: String { rawValue }

    func transport() -> any Transport {
        switch self {
        case .inProcess: InProcessTransport()
        case .tcp: TCPTransport(group: MultiThreadedEventLoopGroup.singleton)
        }
    }
}

/// A server with methods, and channels to it.
final class Stage: Sendable {
    static let secret = Array("the cluster's secret".utf8)

    let transport: any Transport
    let server: Server
    let port: Int

    private init(transport: any Transport, server: Server, port: Int) {
        self.transport = transport
        self.server = server
        self.port = port
    }

    static func start(
        _ world: World, _ configuration: ServerConfiguration = configuration(), methods: MethodTable
    ) async throws -> Stage {
        let transport = world.transport()
        let server = makeServer(configuration, methods, transport)
        let port = try await server.start(host: "127.0.0.1", port: 0)
        return Stage(transport: transport, server: server, port: port)
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
        RPC.Channel(
            host: "127.0.0.1", port: port, configuration: configuration, transport: transport,
            group: MultiThreadedEventLoopGroup.singleton, logger: Self.quiet)
    }

    /// Plays a story and cleans up after it.
    static func play(
        _ world: World, _ configuration: ServerConfiguration = configuration(), methods: MethodTable,
        _ story: (Stage) async throws -> Void
    ) async throws {
        let stage = try await start(world, configuration, methods: methods)
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
    let reply = try await channel.unary("test/Echo", message)
    #expect(reply.message == message)
}
