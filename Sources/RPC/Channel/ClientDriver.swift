import NIOCore

/// One connection's thin driver on the connecting side: performs what ``ClientConnection`` decides.
///
/// `@unchecked Sendable`: everything is touched on the channel's loop only, which the wire's calls are on, too.
final class ClientDriver: WireHandler, @unchecked Sendable {
    private let core: ChannelCore
    private let loop: any EventLoop
    private var connection: ClientConnection
    private var actions = Actions<ClientConnection.Command>()
    /// Who waits on a stream.
    private enum Caller {
        case call(OutgoingCall)
        case inPlace(InPlaceCaller, token: Int)
    }

    private var callers = StreamTable<Caller>()
    private var writers = WaitingWriters()
    private var wire: (any Wire)?
    private var timer = LoopTimer()
    private var isClosed = false
    /// The transport was asked to connect.
    private(set) var isStarted = false
    private var isPerforming = false
    /// The handshake was done: the end of this connection is no failure to connect.
    private(set) var wasOpened = false

    init(core: ChannelCore, loop: any EventLoop, configuration: ClientConnection.Configuration, nonce: [UInt8]) {
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
        connection.received(bytes, now: loop.now, into: &actions)
        perform()
    }

    func readCompleted() {
        settle()
    }

    func writabilityChanged(_ isWritable: Bool) {}

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
        callers[stream] = .call(call)
    }

    /// - Returns: false when the connection is not open, or others wait for it.
    func callInPlace(
        _ caller: InPlaceCaller, _ token: Int, _ method: String, _ options: CallOptions, deadline: NIODeadline?,
        _ write: (inout ByteBuffer) -> Void
    ) -> Bool {
        guard connection.canSend, connection.queue.isEmpty else { return false }
        let stream = connection.callInPlace(
            method, options, deadline: deadline, now: loop.now, into: &actions, body: write)
        guard let stream else { return false }
        callers[stream] = .inPlace(caller, token: token)
        return true
    }

    private func call(_ stream: UInt32) -> OutgoingCall? {
        if case .call(let call) = callers[stream] { call } else { nil }
    }

    /// What was sent in place has left no request to make again.
    private func returned(_ stream: UInt32, _ error: RPCError) {
        guard let call = call(stream) else { return completed(stream, .failure(error)) }
        callers.removeValue(forKey: stream)
        core.resubmit(call, after: error)
    }

    private func completed(_ stream: UInt32, _ result: Result<Reply, RPCError>) {
        writers.fail(stream, result.failure ?? .saidAll)
        switch callers.removeValue(forKey: stream) {
        case .call(let call): call.complete(result)
        case .inPlace(let caller, let token): caller.failed(token, result.failure ?? .saidAll)
        case nil: break
        }
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
        var next = 0
        while next < actions.commands.count {
            perform(actions.commands[next])
            next += 1
        }
        actions.commands.removeAll(keepingCapacity: true)
    }

    private func perform(_ command: ClientConnection.Command) {
        switch command {
        case .opened:
            wasOpened = true
            core.opened(self)
        case .started(let stream): if let call = call(stream) { speak(call) }
        case .metadata(let stream, let metadata): call(stream)?.sink.started(metadata)
        case .message(let stream, let message, let cost): call(stream)?.sink.received(message, cost: cost)
        case .written(let stream): writers.written(stream)
        case .answered(let stream, let answer):
            guard case .inPlace(let caller, let token) = callers.removeValue(forKey: stream) else { return }
            answer.give(to: caller, token)
        case .completed(let stream, let result): completed(stream, result)
        case .returned(let stream, let error): returned(stream, error)
        case .goingAway: core.retired(self)
        case .close(let error): close(error)
        }
    }

    /// Performs, flushes, and arms the timer: the end of every way in.
    func settle() {
        perform()
        if actions.output.readableBytes > 0, let wire {
            let output = actions.output
            actions.output = ByteBuffer()
            connection.traffic.bytesOut += UInt64(output.readableBytes)
            wire.write(output)
            wire.flush()
        }
        timer.arm(for: connection.nextDeadline, on: loop) { self.tick() }
    }

    private func tick() {
        timer.fired()
        connection.tick(now: loop.now, into: &actions)
        settle()
    }

    private func close(_ error: RPCError?) {
        guard !isClosed else { return }
        isClosed = true
        timer.cancel()
        if let output = actions.output.readSlice(length: actions.output.readableBytes) { wire?.write(output) }
        wire?.close()
        core.ended(self, error)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
