import NIOCore
import NIOEmbedded
import Testing

@testable import RPC

/// The accepting side's driver, on a wire that a test holds in its hands.
@Suite struct ServerDriverTests {
    /// Takes everything, and sends what it is told to.
    private final class SlowWire: Wire {
        let remoteAddress = "test:1"
        weak var handler: ServerDriver?
        private(set) var isWritable = true
        private(set) var isReading = true
        private(set) var isAborted = false
        private(set) var isClosed = false
        private(set) var isFinished = false
        private(set) var mostWaiting = 0
        private(set) var sent = ByteBuffer()
        private var waiting = ByteBuffer()

        var waitingBytes: Int { waiting.readableBytes }

        func write(_ bytes: ByteBuffer) {
            waiting.writeImmutableBuffer(bytes)
            mostWaiting = max(mostWaiting, waitingBytes)
            update()
        }

        /// The other side reads so much.
        func take(_ count: Int) {
            guard let bytes = waiting.readSlice(length: min(count, waitingBytes)) else { return }
            sent.writeImmutableBuffer(bytes)
            waiting.discardReadBytes()
            update()
        }

        private func update() {
            let now = isWritable ? waitingBytes <= 65_536 : waitingBytes < 32_768
            guard now != isWritable else { return }
            isWritable = now
            handler?.writabilityChanged(now)
        }

        func flush() {}
        func setReading(_ isReading: Bool) { self.isReading = isReading }
        func close() { isClosed = true }
        func finish() { isFinished = true }
        func abort() { isAborted = true }

        /// What the other side has read.
        func frames() throws -> [Frame] {
            var decoder = FrameDecoder(maxPayloadBytes: 1 << 26)
            decoder.append(sent)
            sent = ByteBuffer()
            var frames: [Frame] = []
            while let frame = try decoder.next() { frames.append(frame) }
            return frames
        }
    }

    private let loop = EmbeddedEventLoop()

    private func driver(_ configuration: ServerConfiguration, _ registry: ConnectionRegistry) -> ServerDriver {
        var methods = MethodTable()
        methods.immediate("test/Echo") { Answer($0.message) }
        methods.immediate("test/Large") { _ in Answer([UInt8](repeating: 1, count: Self.large)) }
        methods.inPlace("test/LargeInPlace") { _, answer throws(RPCError) in
            answer.writeRepeatingByte(1, count: Self.large)
        }
        let shared = ServerDriver.Shared(
            configuration: configuration, connection: configuration.connection(methods), methods: methods,
            meter: LoadMeter(capacity: 10), registry: registry, logger: Stage.quiet)
        return ServerDriver(shared: shared, loop: loop)
    }

    private static let large = 1 << 20

    private func request(_ stream: UInt32, method: UInt16 = 1, bytes count: Int = 0) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(.request, flags: .endStream, stream: stream, into: &bytes) {
            RequestHead(method: method).write(packedMetadata: [], into: &$0)
            $0.writeRepeatingByte(1, count: count)
            return []
        }
        return bytes
    }

    /// A driver that was greeted, and its wire.
    private func open(_ configuration: ServerConfiguration = plain()) throws -> (ServerDriver, SlowWire) {
        let (driver, wire) = (driver(configuration, ConnectionRegistry(limit: 10)), SlowWire())
        wire.handler = driver
        driver.opened(wire)
        driver.received(RawConnection.greeting())
        driver.readCompleted()
        wire.take(.max)
        #expect(try wire.frames().map(\.kind) == [.welcome])
        return (driver, wire)
    }

    private static func plain() -> ServerConfiguration {
        var configuration = Stage.configuration()
        configuration.compressionThreshold = nil
        configuration.maxWaitingBytes = 8 << 20
        return configuration
    }

    /// Three times what may wait for a connection is asked for at once, and read in pieces.
    @Test(arguments: [UInt16(2), 3])
    func aReaderThatIsSlowerThanItsAnswersIsServed(method: UInt16) throws {
        let (driver, wire) = try open()
        var bytes = ByteBuffer()
        for n in 0..<UInt32(24) { bytes.writeImmutableBuffer(request(2 * n + 1, method: method)) }
        driver.received(bytes)
        driver.readCompleted()
        #expect(!wire.isReading)
        while wire.waitingBytes > 0 { wire.take(300_000) }
        let answers = try wire.frames()
        #expect(answers.count == 24 && answers.allSatisfy { $0.payload.readableBytes > Self.large })
        #expect(wire.isReading && driver.connection.phase == .open)
        #expect(wire.mostWaiting < 4 * Self.large && driver.connection.heldBytes == 0)
        #expect(driver.running.isEmpty && driver.shared.memory.heldBytes == 0)
        driver.closed(nil)
    }

    /// Requests for whose answers there is no room, and answers that are ready, both count until they have left.
    @Test(arguments: [UInt16(2), 3])
    func whatWaitsForRoomIsCounted(method: UInt16) throws {
        let (driver, wire) = try open()
        var bytes = ByteBuffer()
        for n in 0..<UInt32(24) { bytes.writeImmutableBuffer(request(2 * n + 1, method: method, bytes: 60_000)) }
        driver.received(bytes)
        driver.readCompleted()
        let waiting = method == 2 ? driver.waitingCalls.count : driver.connection.inPlace.count
        #expect(waiting > 10)
        let least = wire.waitingBytes + driver.connection.heldBytes + waiting * 60_000
        #expect(driver.shared.memory.heldBytes > least - MemoryBudget.step)
        driver.closed(nil)
        #expect(driver.shared.memory.heldBytes == 0)
    }

    /// Also where that is not so much that the socket takes no more.
    @Test func whatWaitsForTheSocketIsCounted() throws {
        let (driver, wire) = try open()
        driver.received(request(1, bytes: 40_000))
        driver.readCompleted()
        #expect(wire.isWritable && driver.shared.memory.heldBytes >= 40_000)
        wire.take(.max)
        driver.received(request(3))
        driver.readCompleted()
        #expect(driver.shared.memory.heldBytes < MemoryBudget.step)
        driver.closed(nil)
        #expect(driver.shared.memory.heldBytes == 0)
    }

    /// The first answers wait to be read, and what else was asked for is not even looked at.
    @Test(arguments: [UInt16(2), 3])
    func whoReadsNothingCostsLittleAndIsGivenUp(method: UInt16) throws {
        let (driver, wire) = try open()
        for n in 0..<UInt32(24) {
            driver.received(request(2 * n + 1, method: method))
            driver.readCompleted()
        }
        #expect(wire.mostWaiting < 4 * Self.large && driver.connection.heldBytes < 4 * Self.large && !wire.isReading)
        #expect(driver.shared.memory.heldBytes > Self.large)
        loop.advanceTime(by: .seconds(30))
        #expect(wire.isClosed && driver.connection.phase == .closed)
        driver.closed(nil)
        #expect(driver.running.isEmpty && driver.shared.meter.report.inFlight == 0)
        #expect(driver.shared.memory.heldBytes == 0)
    }

    /// The last answers have the time that they take to leave; who breaks the rules has not.
    @Test(arguments: [true, false])
    func anOrderlyEndIsNotCutShort(isOrderly: Bool) throws {
        let (driver, wire) = try open()
        driver.post(.goAway("bye"))
        loop.run()
        var last = ByteBuffer()
        FrameEncoder.write(isOrderly ? .pong : .welcome, payload: PingPayload.farewell, into: &last)
        driver.received(last)
        driver.readCompleted()
        #expect(wire.isFinished == isOrderly && wire.isClosed == !isOrderly)
        driver.closed(nil)
    }

    /// It was accepted just before the listener closed.
    @Test func aConnectionThatComesDuringTheShutdownIsToldSo() throws {
        let registry = ConnectionRegistry(limit: 10)
        _ = registry.stop()
        let (driver, wire) = (driver(Stage.configuration(), registry), SlowWire())
        driver.opened(wire)
        #expect(driver.connection.phase == .closed)
        driver.closed(nil)
    }
}
