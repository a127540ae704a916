import NIOCore
import NIOEmbedded
import Testing

@testable import RPC

/// The accepting side's driver, on a wire that a test holds in its hands.
@Suite struct ServerDriverTests {
    /// Takes everything and sends nothing.
    private final class StuckWire: Wire {
        let remoteAddress = "test:1"
        let isWritable = false
        private(set) var waitingBytes = 0
        private(set) var isReading = true
        private(set) var isAborted = false

        func write(_ bytes: ByteBuffer) { waitingBytes += bytes.readableBytes }
        func flush() {}
        func setReading(_ isReading: Bool) { self.isReading = isReading }
        func close() {}
        func abort() { isAborted = true }
    }

    private let loop = EmbeddedEventLoop()

    private func driver(_ configuration: ServerConfiguration, _ registry: ConnectionRegistry) -> ServerDriver {
        var methods = MethodTable()
        methods.immediate("test/Echo") { Answer($0.message) }
        let shared = ServerDriver.Shared(
            configuration: configuration, connection: configuration.connection(methods), methods: methods,
            meter: LoadMeter(capacity: 10), registry: registry, logger: Stage.quiet)
        return ServerDriver(shared: shared, loop: loop)
    }

    private func request(_ stream: UInt32, bytes count: Int) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(.request, flags: .endStream, stream: stream, into: &bytes) {
            RequestHead(method: 1).write(packedMetadata: [], into: &$0)
            $0.writeRepeatingByte(1, count: count)
            return []
        }
        return bytes
    }

    @Test func whoLeavesAnswersUnreadAsksNoMoreAndIsDroppedInTheEnd() {
        var configuration = Stage.configuration()
        configuration.maxWaitingBytes = 5000
        configuration.compressionThreshold = nil
        let (driver, wire) = (driver(configuration, ConnectionRegistry(limit: 10)), StuckWire())
        driver.opened(wire)
        driver.writabilityChanged(false)
        #expect(!wire.isReading)
        driver.received(RawConnection.greeting())
        for stream in [UInt32(1), 3, 5] {
            driver.received(request(stream, bytes: 1000))
            driver.readCompleted()
        }
        #expect(wire.waitingBytes > 3000 && !wire.isAborted)
        driver.received(request(7, bytes: 2000))
        driver.readCompleted()
        #expect(wire.isAborted)
        driver.closed(nil)
    }

    /// It was accepted just before the listener closed.
    @Test func aConnectionThatComesDuringTheShutdownIsToldSo() throws {
        let registry = ConnectionRegistry(limit: 10)
        _ = registry.stop()
        let (driver, wire) = (driver(Stage.configuration(), registry), StuckWire())
        driver.opened(wire)
        #expect(driver.connection.phase == .closed)
        driver.closed(nil)
    }
}
