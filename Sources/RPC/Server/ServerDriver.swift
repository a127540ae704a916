import DequeModule
import Logging
import NIOCore

/// One connection's thin driver on the accepting side: performs what ``ServerConnection`` decides, runs the handlers,
/// and writes all that one read or one wake-up brought with one flush.
///
/// `@unchecked Sendable`: all that changes is touched on `loop` only; other threads come in through the mailbox.
final class ServerDriver: WireHandler, @unchecked Sendable {
    /// What the connections of a server share. A class, as a copy of all this would cost more than a small call.
    final class Shared: Sendable {
        let configuration: ServerConfiguration
        let connection: ServerConnection.Configuration
        let methods: MethodTable
        let meter: LoadMeter
        let registry: ConnectionRegistry
        let memory: MemoryBudget
        let logger: Logger

        init(
            configuration: ServerConfiguration, connection: ServerConnection.Configuration, methods: MethodTable,
            meter: LoadMeter, registry: ConnectionRegistry, logger: Logger
        ) {
            self.configuration = configuration
            self.connection = connection
            self.methods = methods
            self.meter = meter
            self.registry = registry
            memory = MemoryBudget(limit: configuration.maxMemoryBytes)
            self.logger = logger
        }
    }

    /// Ends with the error of a call that ended before its caller had said all.
    typealias RequestQueue = MessageQueue<RPCError?>

    enum Event: Sendable {
        case finished(stream: UInt32, Result<Answer, any Error>)
        case write(stream: UInt32, ResponseWriter.Part, WaitingWriters.Continuation)
        case consumed(stream: UInt32, Int)
        case goAway(String)
        /// End the connection now; with no word when there is no violation.
        case stop(ProtocolViolation?)
    }

    /// A handler that runs. A class: a value would be changed in its place in the table, which costs more memory.
    final class Running {
        let started: NIODeadline
        /// It has one of the watches' places.
        let isWatch: Bool
        let requestBytes: Int
        var task: Task<Void, Never>?
        /// Of a method that takes many messages.
        var requests: RequestQueue?
        var ended: RPCError?

        init(started: NIODeadline, isWatch: Bool, requestBytes: Int) {
            self.started = started
            self.isWatch = isWatch
            self.requestBytes = requestBytes
        }
    }

    let shared: Shared
    let loop: any EventLoop
    let executor: LoopExecutor
    var connection: ServerConnection
    var actions = Actions<ServerConnection.Command>()
    var running: [UInt32: Running] = [:]
    /// Of those.
    var watches = 0
    /// Of their requests.
    var runningBytes = 0
    /// Unary calls for whose answers there is, or may be, no room yet: nobody has begun with them.
    var waitingCalls = Deque<(stream: UInt32, request: ServerConnection.Request)>()
    /// Of their requests.
    var waitingCallBytes = 0
    /// Of messages that handlers have not read.
    let unread = HeldBytes()
    /// What the server's budget was told.
    private var toldBytes = 0
    /// Written and not left, when it was last asked for, and what had been written by then.
    private var unsent = (bytes: 0, written: UInt64(0))
    var writers = WaitingWriters()
    var latenciesUs: [UInt32] = []
    /// What is answered right now; kept for its memory.
    var answering: [InPlaceRequest] = []
    /// Of the bytes that came last.
    var answeredInPlace = 0
    private var lastReceived = NIODeadline.uptimeNanoseconds(0)
    var peer = Peer()
    /// The registry's; 0 of a connection that was not taken.
    private(set) var id: UInt64 = 0
    let opened: NIODeadline
    private(set) var isEncrypted = false
    private var wire: (any Wire)?
    private var timer = LoopTimer()
    private var busyPoll = BusyPoll()
    private var isPerforming = false
    private var isSettling = false
    private let mailbox = Mailbox<Event>()
    /// What was taken from it; kept for its memory.
    private var taken: [Event] = []

    init(shared: Shared, loop: any EventLoop) {
        self.shared = shared
        self.loop = loop
        executor = LoopExecutor(loop)
        opened = loop.now
        connection = ServerConnection(
            configuration: shared.connection, nonce: shared.configuration.chance.bytes(ClusterProof.nonceBytes),
            now: loop.now, jitter: shared.configuration.chance.unit())
    }

    // MARK: From the wire

    func opened(_ wire: any Wire) {
        self.wire = wire
        peer.remoteAddress = wire.remoteAddress
        peer.isLocal = wire.isLocal
        isEncrypted = wire.isEncrypted
        switch shared.registry.add(self) {
        case .success(let id): self.id = id
        case .failure(let refusal): connection.fail(refusal, into: &actions)
        }
        settle()
    }

    func received(_ bytes: ByteBuffer) {
        if connection.phase == .handshake { connection.peerName = wire?.peerName }
        lastReceived = loop.now
        connection.received(bytes, now: lastReceived, into: &actions)
        perform()
        // It was more than a turn's worth, or there is no room for the answers.
        if connection.isHeldUp { settle() }
    }

    func readCompleted() {
        let isQuick = answeredInPlace == 1 && running.isEmpty
        settle()
        // Everything asked for was answered: the next call may be as near as its caller.
        if isQuick { busyPoll.look(at: wire) }
    }

    func writabilityChanged(_ isWritable: Bool) {
        // Who does not read answers gets to ask no more questions; the handlers that run are bounded.
        wire?.setReading(isWritable)
        let waiting = isWritable ? 0 : wire?.waitingBytes ?? 0
        connection.writabilityChanged(isWritable, waiting: waiting, now: loop.now)
        settle()
    }

    func closed(_ reason: String?) {
        if let reason, connection.phase == .handshake { logRefusal(reason, code: nil) }
        wire = nil
        connection.lost(into: &actions)
        settle()
        timer.cancel()
        leaveIfDone()
    }

    // MARK: From elsewhere

    func post(_ event: Event) {
        if mailbox.post(event) { loop.execute { self.drainMailbox() } }
    }

    private func drainMailbox() {
        mailbox.takeAll(into: &taken)
        for event in taken {
            switch event {
            case .finished(let stream, let result): finished(stream, result)
            case .write(let stream, let part, let continuation): write(part, on: stream, continuation)
            case .consumed(let stream, let bytes): connection.consumed(bytes, on: stream, into: &actions)
            case .goAway(let reason): connection.goAway(reason, now: loop.now, into: &actions)
            case .stop(let violation): stop(violation)
            }
        }
        Mailbox.empty(&taken)
        settle()
        leaveIfDone()
    }

    private func stop(_ violation: ProtocolViolation?) {
        if let violation { return connection.fail(violation, into: &actions) }
        connection.lost(into: &actions)
        perform()
        actions.output.clear()
        wire?.abort()
    }

    // MARK: Performing

    /// Performs what was decided, which may lead to more, until nothing is left.
    func perform() {
        // Closing a wire may bring its end at once; what that decides is performed by the loop that is under way.
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while !actions.commands.isEmpty || connection.mayAnswerInPlace(actions.output) {
            var next = 0
            while next < actions.commands.count {
                perform(actions.commands[next])
                next += 1
            }
            actions.commands.removeAll(keepingCapacity: true)
            if connection.mayAnswerInPlace(actions.output) { answerInPlace() }
        }
    }

    private func perform(_ command: ServerConnection.Command) {
        switch command {
        case .opened(let role, let nodeId):
            peer.role = role
            peer.nodeId = nodeId
        case .start(let stream, let request): start(stream, request)
        case .cancel(let stream, let error): cancel(stream, error)
        case .message(let stream, let message, let cost): deliver(message, cost: cost, to: stream)
        case .end(let stream): running[stream]?.requests?.end(nil)
        case .written(let stream): writers.written(stream)
        case .close(let violation): close(violation)
        }
    }

    private func deliver(_ message: [UInt8], cost: Int, to stream: UInt32) {
        // A handler that was refused, or has ended, reads nothing.
        guard let requests = running[stream]?.requests else {
            return connection.consumed(cost, on: stream, into: &actions)
        }
        requests.append(message, cost: cost)
    }

    /// Performs, flushes, goes on with what that made room for, and arms the timer: the end of every way in.
    private func settle() {
        // Writing may come back here with more to do, which is done by who is under way.
        guard !isSettling, !isPerforming else { return }
        isSettling = true
        defer { isSettling = false }
        repeat {
            startWaiting()
            if connection.mayGoOn, waitingCalls.isEmpty || !hasRoomForWork {
                connection.goOn(now: loop.now, into: &actions)
            }
            perform()
            flush()
            account()
        } while connection.mayGoOn || mayBeginWaiting || !actions.commands.isEmpty
        measure()
        timer.arm(for: connection.nextDeadline, on: loop) { self.tick() }
    }

    /// Of a client; nodes are trusted, and what they send must arrive.
    private var heldBytes: Int {
        guard peer.role == .client else { return 0 }
        return runningBytes + waitingCallBytes + unread.count + connection.keptBytes + unsent.bytes
    }

    /// Asking costs more than a small answer, so it is done when there may be much.
    private func lookAtUnsent() {
        let written = connection.traffic.bytesOut
        guard unsent.bytes > 0 || written - unsent.written >= MemoryBudget.step else { return }
        unsent = (wire?.waitingBytes ?? 0, written)
    }

    /// Tells what this connection holds, and ends it when that is more than its share of too much.
    private func account() {
        lookAtUnsent()
        let held = heldBytes
        if abs(held - toldBytes) >= MemoryBudget.step || (held == 0 && toldBytes > 0) {
            shared.memory.changed(by: held - toldBytes)
            toldBytes = held
        }
        guard connection.phase != .closed,
            let refusal = shared.memory.refusal(of: held, among: shared.registry.count)
        else { return }
        connection.fail(refusal, into: &actions)
        perform()
        flush()
    }

    /// Answers in place are done when they are flushed; the meter remembers no more than so many.
    private func measure() {
        if answeredInPlace > 0 {
            let latencyUs = UInt32(clamping: (loop.now - lastReceived).nanoseconds / 1000)
            for _ in 0..<min(answeredInPlace, RecentLatencies.size) { latenciesUs.append(latencyUs) }
            answeredInPlace = 0
        }
        shared.meter.record(latenciesUs: latenciesUs)
        latenciesUs.removeAll(keepingCapacity: true)
    }

    private func tick() {
        timer.fired()
        // Who was busy once, and is not now, gives its memory back.
        if running.isEmpty, actions.output.readableBytes == 0 { actions.output = ByteBuffer() }
        connection.tick(now: loop.now, waiting: wire?.waitingBytes ?? 0, into: &actions)
        settle()
    }

    private func flush() {
        guard actions.output.readableBytes > 0, let wire else { return }
        // Writing may come back here with more to say.
        var output = actions.output
        actions.output = ByteBuffer()
        connection.traffic.bytesOut += UInt64(output.readableBytes)
        wire.write(output)
        wire.flush()
        keep(&output)
        if !wire.isWritable, wire.waitingBytes > shared.configuration.maxWaitingBytes {
            logRefusal("more than \(shared.configuration.maxWaitingBytes) bytes left unread", code: .resourceExhausted)
            stop(nil)
        }
    }

    /// Its memory will do for the next answers; what was said once, in the handshake, is no measure of them.
    private func keep(_ output: inout ByteBuffer) {
        guard answeredInPlace > 0 || !latenciesUs.isEmpty, actions.output.readableBytes == 0 else { return }
        output.empty()
        actions.output = output
    }

    private func close(_ violation: ProtocolViolation?) {
        if let output = actions.output.readSlice(length: actions.output.readableBytes) { wire?.write(output) }
        guard let violation else { return wire?.finish() ?? () }
        logRefusal(violation.reason, code: violation.code)
        wire?.close()
    }

    private func logRefusal(_ reason: String, code: StatusCode?) {
        shared.logger.notice(
            "connection refused",
            metadata: [
                "remote": "\(peer.remoteAddress)", "peer": "\(peer.nodeId)", "status": "\(code?.name ?? "")",
                "reason": "\(reason)",
            ])
    }

    /// The registry keeps the driver until its handlers have ended, for a shutdown to wait for.
    private func leaveIfDone() {
        guard wire == nil, running.isEmpty else { return }
        shared.registry.remove(id, traffic: connection.traffic)
    }
}
