import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

@testable import RPC

/// A TCP connection that says whatever a test wants, and remembers what it hears.
final class RawConnection: Sendable {
    private final class Recorder: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let heard = Mutex(ByteBuffer())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            heard.withLock { _ = $0.writeImmutableBuffer(bytes) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private let recorder: Recorder
    private let channel: any NIOCore.Channel

    private init(recorder: Recorder, channel: any NIOCore.Channel) {
        self.recorder = recorder
        self.channel = channel
    }

    static func open(port: Int) async throws -> RawConnection {
        let recorder = Recorder()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(recorder) }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(recorder: recorder, channel: channel)
    }

    /// A TLS client that trusts everybody, speaks at most this version, and offers these protocols by ALPN.
    static func openTLS(
        port: Int, version: TLSVersion = .tlsv13, protocols: [String] = ["rookery/1"]
    ) async throws -> RawConnection {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.maximumTLSVersion = version
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        let recorder = Recorder()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers([tls, recorder])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(recorder: recorder, channel: channel)
    }

    func say(_ bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(bytes)
    }

    func close() async throws {
        try await channel.close()
    }

    /// The frames heard until the server closed the connection.
    func framesUntilClosed() async throws -> [Frame] {
        try await channel.closeFuture.get()
        return try frames()
    }

    private func frames() throws -> [Frame] {
        var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)
        decoder.append(recorder.heard.withLock { $0 })
        var frames: [Frame] = []
        while let frame = try decoder.next() { frames.append(frame) }
        return frames
    }

    /// What a well-behaved client says first.
    static func greeting(
        clusterId: String = "nest", role: Role = .client, nodeId: String = "",
        _ change: (inout Hello) -> Void = { _ in }
    ) -> ByteBuffer {
        var bytes = ByteBuffer(bytes: Preface.bytes)
        var hello = Hello(
            clusterId: clusterId, role: role.rawValue, nonce: [UInt8](repeating: 7, count: 16), nodeId: nodeId,
            limits: .client, features: .lz4)
        change(&hello)
        FrameEncoder.write(.hello, payload: hello.packed(), into: &bytes)
        return bytes
    }
}
