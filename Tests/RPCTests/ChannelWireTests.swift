import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import RPC

/// What a TCP connection's last handler gives to a driver.
@Suite struct ChannelWireTests {
    private final class Driver: WireHandler {
        let heard = Mutex<[String]>([])

        private func note(_ word: String) { heard.withLock { $0.append(word) } }

        func opened(_ wire: any Wire) { note("opened") }
        func received(_ bytes: ByteBuffer) { note("received") }
        func readCompleted() {}
        func writabilityChanged(_ isWritable: Bool) {}
        func closed(_ reason: String?) { note("closed: \(reason ?? "-")") }
    }

    /// TLS may refuse the other side in the same breath in which its first bytes are decrypted.
    @Test func afterAnErrorNothingIsTaken() throws {
        let (driver, channel) = (Driver(), EmbeddedChannel())
        // Holds the closing up, as TLS does for its farewell.
        try channel.pipeline.syncOperations.addHandlers([
            Farewell(), ChannelWire(handler: driver, loop: channel.embeddedEventLoop, tls: nil),
        ])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        channel.pipeline.fireErrorCaught(TransportError("its certificate names no node"))
        channel.pipeline.fireChannelRead(ByteBuffer(string: "after"))
        #expect(driver.heard.withLock { $0 } == ["opened"])
    }

    /// Answers that GOAWAY has promised are on their way, to somebody with a slow line.
    @Test(arguments: [true, false])
    func anOrderlyEndHasTheTimeThatItsBytesTake(isTaken: Bool) throws {
        let (driver, channel, farewell) = (Driver(), EmbeddedChannel(), Farewell())
        let wire = ChannelWire(handler: driver, loop: channel.embeddedEventLoop, tls: nil)
        try channel.pipeline.syncOperations.addHandlers([farewell, wire])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        wire.finish()
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        #expect(farewell.modes == ["output"])
        if isTaken { farewell.outputClosed?.succeed() }
        // What the other side still sends is dropped for a second; who takes nothing has had its time.
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        #expect(farewell.modes == ["output"])
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(farewell.modes == ["output", "all"])
        if !isTaken { farewell.outputClosed?.succeed() }
    }

    @Test func whoBreaksTheRulesHasASecond() throws {
        let (driver, channel, farewell) = (Driver(), EmbeddedChannel(), Farewell())
        let wire = ChannelWire(handler: driver, loop: channel.embeddedEventLoop, tls: nil)
        try channel.pipeline.syncOperations.addHandlers([farewell, wire])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        wire.close()
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(farewell.modes == ["output", "all"])
    }

    /// Holds closing up, as TLS does for its farewell, and a socket for what has not left.
    private final class Farewell: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        private(set) var modes: [String] = []
        private(set) var outputClosed: EventLoopPromise<Void>?

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            modes.append("\(mode)")
            if case .output = mode { outputClosed = promise } else { promise?.succeed() }
        }
    }
}
