import NIOCore

/// One connection's thin driver on the connecting side: performs what ``ClientConnection`` decides.
///
/// `@unchecked Sendable`: everything is touched on the channel's loop only, which the wire's calls are on, too.
final class ClientDriver: WireHandler, @unchecked Sendable {
    /// Differs from those of all other connections of its channel.
    let id: UInt64
    private let core: ChannelCore
    private let loop: any EventLoop
    private var connection: ClientConnection
    private var actions = Actions<ClientConnection.Command>()
    /// Who waits on a stream.
    private var callers = StreamTable<OutgoingCall>()
    private var inPlaceCallers = InPlaceCallers()
    /// What is given to in-place callers right now; kept for its memory.
    private var answering: [InPlaceResult] = []
    private var writers = WaitingWriters()
    private var wire: (any Wire)?
    private var timer = LoopTimer()
    private var busyPoll = BusyPoll()
    /// In what is under way.
    private var calledInPlace = false
    /// When the bytes came that are being looked at.
    private var batchTime: NIODeadline?
    private var isClosed = false
    /// The transport was asked to connect.
    private(set) var isStarted = false
    private var isPerforming = false
    private var isFlushing = false
    /// The handshake was done: the end of this connection is no failure to connect.
    private(set) var wasOpened = false

    init(
        id: UInt64, core: ChannelCore, loop: any EventLoop, configuration: ClientConnection.Configuration,
        nonce: [UInt8]
    ) {
        self.id = id
        self.core = core
        self.loop = loop
        connection = ClientConnection(configuration: configuration, nonce: nonce, now: loop.now)
    }

    var takesCalls: Bool { connection.takesCalls }

    var nextDeadline: NIODeadline? { connection.nextDeadline }

    var serverTurnedAwayPings: Bool { connection.serverTurnedAwayPings }

    /// The transport may connect.
    ///
    /// - Returns: false when it was told so before, or when nobody wants it any more.
    func start() -> Bool {
        guard !isClosed, !isStarted else { return false }
        isStarted = true
        connection.connecting(now: loop.now)
        settle()
        return true
    }

    // MARK: From the wire

    func opened(_ wire: any Wire) {
        // Given up while the transport was still connecting.
        guard !isClosed else { return wire.abort() }
        self.wire = wire
        connection.connected(into: &actions)
        settle()
    }

    func received(_ bytes: ByteBuffer) {
        if connection.phase == .handshake { connection.peerName = wire?.peerName }
        let now = loop.now
        batchTime = now
        connection.received(bytes, now: now, into: &actions)
        perform()
    }

    func readCompleted() {
        // One call was made in place, and may be answered in place. Where many are on their way, they come in batches.
        let isQuick = calledInPlace && connection.inPlace.count == 1
        settle()
        if isQuick { busyPoll.look(at: wire) }
    }

    func writabilityChanged(_ isWritable: Bool) {
        let waiting = isWritable ? 0 : wire?.waitingBytes ?? 0
        connection.writabilityChanged(isWritable, waiting: waiting, now: loop.now)
        // Else it is seen by who flushes.
        if !isFlushing { settle() }
    }

    func closed(_ reason: String?) {
        wire = nil
        let cause = reason.map { ": \($0)" } ?? ""
        connection.lost("the connection to \(connection.configuration.target) was lost\(cause)", into: &actions)
        settle()
    }

    func connectFailed(_ error: any Error) {
        connection.lost("\(error)", into: &actions)
        settle()
    }

    // MARK: From the channel

    func submit(_ call: OutgoingCall) {
        let stream = connection.call(call.request, now: loop.now, into: &actions)
        call.driver = self
        call.stream = stream
        callers.insert(call, for: stream)
    }

    /// - Returns: false when the connection is not open, others wait for it, or the call must be refused.
    func callInPlace(
        _ caller: InPlaceCaller, _ token: Int, deadline: NIODeadline?, _ write: (inout ByteBuffer) -> Void
    ) -> Bool {
        guard connection.canSend, connection.queue.isEmpty else { return false }
        if caller.prepared?.driver != id {
            guard let head = connection.template(caller.method, caller.options) else { return false }
            caller.prepared = InPlaceCaller.Prepared(driver: id, number: inPlaceCallers.add(caller), head: head)
        }
        guard let prepared = caller.prepared else { return false }
        let stream = ClientConnection.InPlaceStream(caller: prepared.number, token: token)
        guard
            connection.callInPlace(
                stream, head: prepared.head, deadline: deadline, now: batchTime ?? loop.now, into: &actions.output,
                body: write)
        else { return false }
        inPlaceCallers.called(caller, prepared.number)
        calledInPlace = true
        return true
    }

    /// What was called in place is answered in place: callbacks, which may call again.
    private func answerInPlace() {
        swap(&answering, &connection.inPlaceResults)
        for result in answering { inPlaceCallers.answered(result.caller)?.give(result) }
        answering.removeAll(keepingCapacity: true)
    }

    private func returned(_ stream: UInt32, _ error: RPCError) {
        guard let call = callers.removeValue(forKey: stream) else { return }
        core.resubmit(call, after: error)
    }

    private func completed(_ stream: UInt32, _ result: Result<Reply, RPCError>) {
        writers.fail(stream, result.failure ?? .saidAll)
        callers.removeValue(forKey: stream)?.complete(result)
    }

    func cancel(_ call: OutgoingCall) {
        connection.cancel(call.stream, now: loop.now, into: &actions)
    }

    /// Lets out what the call's owner has said, once its request has left.
    func speak(_ call: OutgoingCall) {
        guard connection.isStarted(call.stream) else { return }
        while let (message, continuation) = call.early.popFirst() {
            if let error = connection.send(message, on: call.stream, into: &actions) {
                continuation.resume(throwing: error)
            } else {
                writers.append(continuation, on: call.stream)
            }
        }
        if call.isEnding { connection.finish(call.stream, into: &actions) }
    }

    func consumed(_ bytes: Int, by call: OutgoingCall) {
        connection.consumed(bytes, on: call.stream, into: &actions)
    }

    /// The channel was closed.
    func stop(_ reason: String) {
        connection.stop(reason, into: &actions)
        settle()
    }

    // MARK: Performing

    private func perform() {
        // Closing a wire may bring its end at once; what that decides is performed by the loop that is under way.
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while !actions.commands.isEmpty || !connection.inPlaceResults.isEmpty {
            var next = 0
            while next < actions.commands.count {
                perform(actions.commands[next])
                next += 1
            }
            actions.commands.removeAll(keepingCapacity: true)
            answerInPlace()
        }
    }

    private func perform(_ command: ClientConnection.Command) {
        switch command {
        case .opened:
            wasOpened = true
            core.opened(self)
        case .started(let stream): if let call = callers[stream] { speak(call) }
        case .metadata(let stream, let metadata): callers[stream]?.sink.started(metadata)
        case .message(let stream, let message, let cost): callers[stream]?.sink.received(message, cost: cost)
        case .written(let stream): writers.written(stream)
        case .completed(let stream, let result): completed(stream, result)
        case .returned(let stream, let error): returned(stream, error)
        case .goingAway: core.retired(self)
        case .close(let error): close(error)
        }
    }

    /// Performs, flushes, and arms the timer: the end of every way in.
    func settle() {
        perform()
        flush()
        while connection.mayGoOn, wire != nil, !isPerforming, !isFlushing {
            connection.goOn(now: loop.now, into: &actions)
            perform()
            flush()
        }
        calledInPlace = false
        batchTime = nil
        timer.arm(for: connection.nextDeadline, on: loop) { self.tick() }
    }

    private func flush() {
        // Writing may come back here with more to say.
        guard !isFlushing else { return }
        isFlushing = true
        defer { isFlushing = false }
        while actions.output.readableBytes > 0, let wire {
            var output = actions.output
            actions.output = ByteBuffer()
            connection.traffic.bytesOut += UInt64(output.readableBytes)
            wire.write(output)
            wire.flush()
            keep(&output)
        }
    }

    /// Its memory will do for the next calls in place.
    private func keep(_ output: inout ByteBuffer) {
        guard calledInPlace, actions.output.readableBytes == 0 else { return }
        output.empty()
        actions.output = output
    }

    private func tick() {
        timer.fired()
        connection.tick(now: loop.now, waiting: wire?.waitingBytes ?? 0, into: &actions)
        settle()
    }

    private func close(_ error: RPCError?) {
        guard !isClosed else { return }
        isClosed = true
        timer.cancel()
        if let output = actions.output.readSlice(length: actions.output.readableBytes) { wire?.write(output) }
        if error == nil { wire?.finish() } else { wire?.close() }
        core.ended(self, error)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
