import ArgumentParser
import NIOCore
import NIOPosix
import Synchronization

/// The ceiling of a stream: SwiftNIO alone sends length-prefixed messages, and SwiftNIO alone takes them.
struct NIOServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nio-server", abstract: "Sends frames to whoever connects, until SIGTERM.")

    @Option var port: Int

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(FrameSource()) }
            }
            .bind(host: "127.0.0.1", port: port).get()
        announce("listening on \(channel.localAddress?.port ?? port)")
        try await Task.sleep(for: .seconds(100_000))
    }
}

/// Writes frames as long as the socket takes them. The first four bytes that arrive say how long they are.
private final class FrameSource: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var frame = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard frame.readableBytes == 0, let length = bytes.readInteger(as: UInt32.self), length <= 1 << 20 else {
            return
        }
        frame.writeInteger(length)
        frame.writeRepeatingByte(7, count: Int(length))
        send(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        guard frame.readableBytes > 0 else { return }
        while context.channel.isWritable {
            // A message is made anew each time, as a server makes it.
            var copy = context.channel.allocator.buffer(capacity: frame.readableBytes)
            copy.writeImmutableBuffer(frame)
            context.writeAndFlush(wrapOutboundOut(copy), promise: nil)
        }
    }
}

struct NIOClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nio-client", abstract: "Reads frames for a while.")

    @Option var port: Int
    @Option var mode = "stream"
    @Option var connections = 1
    @Option var inFlight = 1
    @Option var bytes = 65_536
    @Option var seconds = 5.0
    @Flag var json = false

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sink = FrameCounter()
        var channels: [any Channel] = []
        for _ in 0..<connections {
            let channel = try await ClientBootstrap(group: group)
                .channelOption(.maxMessagesPerRead, value: 16)
                .channelInitializer { $0.pipeline.addHandler(ByteCounter(sink)) }
                .connect(host: "127.0.0.1", port: port).get()
            try await channel.writeAndFlush(ByteBuffer(integer: UInt32(bytes)))
            channels.append(channel)
        }
        let start = ContinuousClock.now
        let before = sink.bytes.load(ordering: .relaxed)
        try await Task.sleep(for: .seconds(seconds))
        let taken = sink.bytes.load(ordering: .relaxed) - before
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        var figures = Figures()
        figures.ops = taken / (bytes + 4)
        figures.ops_per_s = Double(figures.ops) / elapsed
        figures.bytes_per_s = Double(taken) / elapsed
        announce(try figures.json())
        for channel in channels { try await channel.close() }
    }
}

private final class FrameCounter: Sendable {
    let bytes = Atomic(0)
}

private final class ByteCounter: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let sink: FrameCounter

    init(_ sink: FrameCounter) { self.sink = sink }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        sink.bytes.add(unwrapInboundIn(data).readableBytes, ordering: .relaxed)
    }
}
