import Logging
import NIOCore
import Synchronization

/// A channel's part on the event loop: its connection, the ones that are on their way out, and when to make a new one.
///
/// `@unchecked Sendable`: all that changes is touched on `loop` only; other threads come in through the mailbox.
final class ChannelCore: @unchecked Sendable {
    enum Event: Sendable {
        case submit(OutgoingCall)
        case write(OutgoingCall, OutgoingMessages.Message, WaitingWriters.Continuation)
        case finish(OutgoingCall)
        case cancel(OutgoingCall)
        /// A streaming call's consumer went away.
        case abandon(OutgoingCall)
        case consumed(OutgoingCall, Int)
        case forgetFailures
        case close(CheckedContinuation<Void, Never>?)
    }

    let loop: any EventLoop
    private let host: String
    private let port: Int
    private let configuration: ChannelConfiguration
    private let transport: any Transport
    private let logger: Logger
    private let mailbox = Mailbox<Event>()
    /// What was taken from it; kept for its memory.
    private var taken: [Event] = []
    private var reconnection: Reconnection
    private var keepalive: KeepaliveConfiguration
    private var current: ClientDriver?
    private var drivers: [ClientDriver] = []
    /// All that ever were; a driver's number in it.
    private var driverCount: UInt64 = 0
    private var isClosed = false
    /// For other threads to look at.
    let isConnected = Atomic<Bool>(false)

    init(
        host: String, port: Int, configuration: ChannelConfiguration, transport: any Transport,
        loop: any EventLoop, logger: Logger
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.transport = transport
        self.loop = loop
        self.logger = logger
        reconnection = Reconnection(backoff: configuration.backoff)
        keepalive = configuration.keepalive
    }

    func post(_ event: Event) {
        if mailbox.post(event) { loop.execute { self.drainMailbox() } }
    }

    private func drainMailbox() {
        mailbox.takeAll(into: &taken)
        for event in taken {
            switch event {
            case .submit(let call): submit(call)
            case .write(let call, let message, let continuation): write(message, of: call, continuation)
            case .finish(let call): finish(call)
            case .cancel(let call): cancel(call)
            case .abandon(let call): abandon(call)
            case .consumed(let call, let bytes): consumed(bytes, by: call)
            case .forgetFailures: reconnection.succeeded()
            case .close(let continuation): close(continuation)
            }
        }
        Mailbox.empty(&taken)
        for driver in drivers { driver.settle() }
    }

    private func submit(_ call: OutgoingCall) {
        guard !isClosed else {
            return call.complete(.failure(RPCError(.unavailable, "the channel to \(target) is closed", ran: .no)))
        }
        if current?.takesCalls != true { current = nil }
        if let current, current.isStarted || call.request.options.waitsForReady { return current.submit(call) }
        switch reconnection.decide(now: loop.now) {
        case .refuse(let error, let until):
            guard call.request.options.waitsForReady else { return call.complete(.failure(error)) }
            connect(with: call, at: until)
        case .connect:
            guard let current else { return connect(with: call, at: nil) }
            // One waits for this very moment; a second would be one try too many.
            current.submit(call)
            connect(current)
        }
    }

    /// - Returns: false when the call must take the long way.
    func callInPlace(
        _ caller: InPlaceCaller, _ token: Int, deadline: NIODeadline?, _ write: (inout ByteBuffer) -> Void
    ) -> Bool {
        guard let current, !isClosed else { return false }
        return current.callInPlace(caller, token, deadline: deadline, write)
    }

    func settle() { current?.settle() }

    /// When the connection has something to decide by itself.
    var nextDeadline: NIODeadline? { current?.nextDeadline }

    /// A call that has certainly not run, and whose connection is no more.
    func resubmit(_ call: OutgoingCall, after error: RPCError) {
        call.driver = nil
        call.moves += 1
        // A caller that waits does so within its deadline; others have had their chance.
        guard call.request.options.waitsForReady || call.moves <= Self.maxMoves else {
            return call.complete(.failure(error))
        }
        submit(call)
        current?.settle()
    }

    private static let maxMoves = 3

    private func write(
        _ message: OutgoingMessages.Message, of call: OutgoingCall, _ continuation: WaitingWriters.Continuation
    ) {
        guard !call.isCompleted, !call.isEnding else { return continuation.resume(throwing: RPCError.saidAll) }
        call.early.append((message, continuation))
        call.driver?.speak(call)
    }

    private func finish(_ call: OutgoingCall) {
        call.isEnding = true
        call.driver?.speak(call)
    }

    private func cancel(_ call: OutgoingCall) {
        call.driver?.cancel(call)
    }

    /// After the cancellation nothing more is received, so what is unread now is all that will be.
    private func abandon(_ call: OutgoingCall) {
        cancel(call)
        call.driver?.settle()
        consumed(call.sink.discard(), by: call)
    }

    private func consumed(_ bytes: Int, by call: OutgoingCall) {
        guard bytes > 0 else { return }
        call.driver?.consumed(bytes, by: call)
    }

    private func close(_ continuation: CheckedContinuation<Void, Never>?) {
        isClosed = true
        current = nil
        for driver in drivers { driver.stop("the channel to \(target) is closed") }
        continuation?.resume()
    }

    private var target: String { "\(host):\(port)" }

    // MARK: Connections

    /// The call comes first: a transport may know at once that there is nobody.
    ///
    /// - Parameter due: when the connection may be tried; calls that wait for it have their deadlines in the driver.
    private func connect(with call: OutgoingCall, at due: NIODeadline?) {
        driverCount += 1
        let driver = ClientDriver(
            id: driverCount, core: self, loop: loop,
            configuration: configuration.connection(target: target, keepalive: keepalive),
            nonce: configuration.chance.bytes(ClusterProof.nonceBytes))
        current = driver
        drivers.append(driver)
        driver.submit(call)
        guard let due else { return connect(driver) }
        // The channel may be gone by then; the driver has ended with it.
        loop.scheduleTask(deadline: due) { self.connect(driver) }
    }

    private func connect(_ driver: ClientDriver) {
        guard driver.start() else { return }
        let timeout = TimeAmount(configuration.connectTimeout)
        transport.connect(host: host, port: port, timeout: timeout, on: loop, handler: driver)
            .whenFailure { driver.connectFailed($0) }
    }

    func opened(_ driver: ClientDriver) {
        reconnection.succeeded()
        isConnected.store(true, ordering: .relaxed)
    }

    /// It finishes what it has; new calls make a new connection.
    func retired(_ driver: ClientDriver) {
        guard current === driver else { return }
        current = nil
        isConnected.store(false, ordering: .relaxed)
    }

    func ended(_ driver: ClientDriver, _ error: RPCError?) {
        retired(driver)
        // It is what gRPC's clients do when they are told so.
        if driver.serverTurnedAwayPings { keepalive.interval = keepalive.interval.map { $0 * 2 } }
        drivers.removeAll { $0 === driver }
        guard let error, !isClosed else { return }
        logger.info("connection ended", metadata: ["target": "\(target)", "reason": "\(error.message)"])
        if !driver.wasOpened { reconnection.failed(error, now: loop.now, unit: configuration.chance.unit()) }
    }
}
