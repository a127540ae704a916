import NIOCore
import NIOPosix
import Synchronization

@testable import RPC

/// A server that greets as it should and then does to each request what a script says, over any world's transport.
final class ScriptedServer: Sendable {
    /// `connection` counts from 0.
    typealias Script = @Sendable (_ end: RawEnd, _ frame: Frame, _ connection: Int) -> Void

    let world: World
    let transport: any Transport
    let port: Int
    private let listener: any Listener
    private let accepted: Accepted

    private final class Accepted: Sendable {
        let ends = Mutex<[RawEnd]>([])
    }

    private init(world: World, transport: any Transport, listener: any Listener, accepted: Accepted) {
        self.world = world
        self.transport = transport
        self.listener = listener
        self.accepted = accepted
        port = listener.port
    }

    /// Its methods are numbered from 1: `test/Echo` (unary), `test/Parts` (many answers), `test/Chat` (both).
    static let methods = [
        MethodEntry(number: 1, name: "test/Echo", kind: .unary),
        MethodEntry(number: 2, name: "test/Parts", kind: .serverStreaming),
        MethodEntry(number: 3, name: "test/Chat", kind: .bidirectional),
    ]

    /// - Parameter greets: false: not even WELCOME is said.
    static func play(
        _ world: World, greets: Bool = true, script: @escaping Script, _ story: (ScriptedServer) async throws -> Void
    ) async throws {
        let server = try await start(world, greets: greets, script: script)
        do {
            try await story(server)
        } catch {
            try await server.listener.close().get()
            throw error
        }
        try await server.listener.close().get()
    }

    private static func start(_ world: World, greets: Bool, script: @escaping Script) async throws -> ScriptedServer {
        let transport = world.transport()
        let accepted = Accepted()
        let listener = try await transport.listen(
            host: "127.0.0.1", port: 0, group: MultiThreadedEventLoopGroup.singleton
        ) { loop in
            accepted.ends.withLock { ends in
                let number = ends.count
                let end = RawEnd(loop: loop, accepts: true) { end, frame in
                    if frame.kind != .hello { return script(end, frame, number) }
                    if greets { end.say(.welcome, payload: welcome) }
                }
                ends.append(end)
                return end
            }
        }.get()
        return ScriptedServer(world: world, transport: transport, listener: listener, accepted: accepted)
    }

    private static let welcome = Welcome(
        clusterId: "nest", nodeId: "n1", nonce: [UInt8](repeating: 1, count: 16), proof: [], limits: .client,
        features: .lz4, methods: methods
    ).packed()

    /// The server's ends of the connections that there were.
    var ends: [RawEnd] { accepted.ends.withLock { $0 } }

    func channel(
        _ configuration: ChannelConfiguration = ChannelConfiguration(clusterId: "nest")
    ) -> RPC.Channel {
        RPC.Channel(
            host: "127.0.0.1", port: port, configuration: configuration,
            transport: world.transport(to: transport, as: configuration.role),
            group: MultiThreadedEventLoopGroup.singleton, logger: Stage.quiet)
    }
}

extension RawEnd {
    /// The plainest answer to a request: its message, sent back.
    func echo(_ frame: Frame) {
        var payload = frame.payload
        guard frame.kind == .request, (try? RequestHead(from: &payload)) != nil else { return }
        answer(frame.stream, Array(payload.readableBytesView))
    }

    func answer(_ stream: UInt32, _ message: [UInt8] = [], last: Last = .stays) {
        say(RawEnd.response(stream, message), last: last)
    }

    static func response(_ stream: UInt32, _ message: [UInt8] = []) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(.response, flags: .endStream, stream: stream, into: &bytes) {
            ResponseTrailer(load: LoadReport()).write(packedDetails: [], packedMetadata: [], into: &$0)
            $0.writeBytes(message)
            return []
        }
        return bytes
    }
}
