import Logging
import NIOCore
import Synchronization

/// Calls the methods of one server over one connection, which is made with the first call and made again after it was
/// lost. While a new try is not yet due, calls fail at once with UNAVAILABLE and `ran` `.no`.
public final class Channel: Sendable {
    let core: ChannelCore
    private let running = Atomic<Int>(0)
    private let wasClosed = Atomic<Bool>(false)

    /// Nothing is connected yet. The channel stays on one event loop of `group`.
    public init(
        host: String, port: Int, configuration: ChannelConfiguration, transport: any Transport,
        group: any EventLoopGroup, logger: Logger
    ) {
        core = ChannelCore(
            host: host, port: port, configuration: configuration, transport: transport, loop: group.next(),
            logger: logger)
    }

    deinit {
        // Once it is closed its event loop may have ended.
        if !wasClosed.load(ordering: .acquiring) { core.post(.close(nil)) }
    }

    /// Unary calls that wait for their answer.
    public var inFlight: Int { running.load(ordering: .relaxed) }

    /// Calls a method with one answer. Throws an ``RPCError``. Cancelling the task cancels the call at the server.
    public func unary(
        _ method: String, _ message: [UInt8], options: CallOptions = CallOptions()
    ) async throws -> Reply {
        guard !Task.isCancelled else { throw RPCError(.cancelled, "the call was cancelled", ran: .no) }
        running.add(1, ordering: .relaxed)
        defer { running.subtract(1, ordering: .relaxed) }
        let request = makeRequest(method, .unary, message, options)
        let relay = CancellationRelay()
        return try await withTaskCancellationHandler {
            try await UnarySink.wait { continuation in
                let call = OutgoingCall(request: request, sink: UnarySink(continuation: continuation))
                core.post(.submit(call))
                if relay.started(call) { core.post(.cancel(call)) }
            }
        } onCancel: {
            if let call = relay.cancelled() { core.post(.cancel(call)) }
        }
    }

    /// Calls a method with many answers. The call is made now, not when the first answer is asked for. The server
    /// sends no more than the credit in ``Limits`` ahead of the reader.
    public func serverStreaming(
        _ method: String, _ message: [UInt8], options: CallOptions = CallOptions()
    ) -> StreamingCall {
        StreamingCall(makeRequest(method, .serverStreaming, message, options), channel: self)
    }

    /// Calls a method that takes many messages and gives one answer: ``StreamingCall/reply()``.
    public func clientStreaming(_ method: String, options: CallOptions = CallOptions()) -> StreamingCall {
        StreamingCall(makeRequest(method, .clientStreaming, [], options), channel: self)
    }

    /// Calls a method of many messages in both directions.
    public func bidirectional(_ method: String, options: CallOptions = CallOptions()) -> StreamingCall {
        StreamingCall(makeRequest(method, .bidirectional, [], options), channel: self)
    }

    /// Runs tasks on the channel's event loop, where answers and messages arrive: for callers that mostly wait for those,
    /// as nobody has to be woken for them. What such a task does between must not block.
    public var executor: any TaskExecutor { LoopExecutor(core.loop) }

    /// Whether there is a connection on which calls can be made, or wait for one of the server's streams.
    public var isConnected: Bool { core.isConnected.load(ordering: .relaxed) }

    /// To be told when the server is known to be there again: calls are no longer refused for the last failure to
    /// connect, but try.
    public func forgetFailures() { core.post(.forgetFailures) }

    /// Fails what runs with UNAVAILABLE, and every later call, as long as the event loop lives: who ends the loop waits
    /// for all calls first.
    public func close() async {
        wasClosed.store(true, ordering: .releasing)
        await withCheckedContinuation { core.post(.close($0)) }
    }

    private func makeRequest(
        _ method: String, _ kind: MethodKind, _ message: [UInt8], _ options: CallOptions
    ) -> ClientConnection.Request {
        ClientConnection.Request(
            method: method, kind: kind, options: options, message: message,
            deadline: options.timeout.map { core.loop.now + TimeAmount($0) })
    }
}

/// Brings a call and the cancellation of its task together, whichever comes first.
private final class CancellationRelay: Sendable {
    private struct State {
        var call: OutgoingCall?
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// True when the task was cancelled before.
    func started(_ call: OutgoingCall) -> Bool {
        state.withLock { state in
            state.call = call
            return state.isCancelled
        }
    }

    /// The call, when it was started before.
    func cancelled() -> OutgoingCall? {
        state.withLock { state in
            state.isCancelled = true
            return state.call
        }
    }
}
