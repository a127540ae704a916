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

    private final class Farewell: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            promise?.succeed()
        }
    }
}
