import NIOCore
import Synchronization

/// A call of many messages, in one direction or both, as its caller holds it. Letting go of it cancels the call.
///
/// Messages are read by one reader at a time. What the caller says and what it hears do not wait for each other.
public final class StreamingCall: AsyncSequence, Sendable {
    public typealias Element = [UInt8]

    private let inbox: CallInbox
    private let call: OutgoingCall
    private let channel: Channel

    init(_ request: ClientConnection.Request, channel: Channel) {
        inbox = CallInbox()
        call = OutgoingCall(request: request, sink: inbox)
        self.channel = channel
        core.post(.submit(call))
    }

    private var core: ChannelCore { channel.core }

    deinit {
        core.post(.abandon(call))
    }

    /// Sends one message; returns when the server's credit let it out. Throws an ``RPCError`` when the call has ended,
    /// or when the message is above the server's limit. Cancelling the task that waits cancels the call.
    public func send(_ message: [UInt8], compression: Compression = .automatic) async throws {
        let message = OutgoingMessages.Message(bytes: message, compression: compression)
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { core.post(.write(call, message, $0)) }
        } onCancel: {
            core.post(.cancel(call))
        }
    }

    /// Says that no more messages come.
    public func finish() {
        core.post(.finish(call))
    }

    /// Ends the call; the handler at the server is cancelled.
    public func cancel() {
        core.post(.cancel(call))
    }

    /// The next message; nil when the call has succeeded. Throws the ``RPCError`` with which it failed. Cancelling the
    /// task that waits cancels the call.
    public func next() async throws -> [UInt8]? {
        switch await cancellable({ await inbox.messages.next() }) {
        case .message(let bytes, let credit):
            if credit > 0 { core.post(.consumed(call, credit)) }
            return bytes
        case .end(.success): return nil
        case .end(.failure(let error)): throw error
        }
    }

    /// What the server sent ahead of its messages, as soon as it is known; empty when it sent none.
    public func initialMetadata() async throws -> Metadata {
        try await cancellable { await inbox.initial.value() }.get()
    }

    /// How the call ended, with what came with its status; messages that are not read do not hold it up.
    public func reply() async throws -> Reply {
        try await cancellable { await inbox.end.value() }.get()
    }

    private func cancellable<T: Sendable>(_ body: @Sendable () async -> T) async -> T {
        await withTaskCancellationHandler(operation: body) { core.post(.cancel(call)) }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let call: StreamingCall

        public mutating func next() async throws -> [UInt8]? { try await call.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(call: self) }
}

/// What a streaming call brings, until it is asked for.
final class CallInbox: CallSink {
    let initial = Promised<Result<Metadata, RPCError>>()
    let messages = MessageQueue<Result<Reply, RPCError>>()
    let end = Promised<Result<Reply, RPCError>>()

    func started(_ metadata: Metadata) { initial.fulfil(.success(metadata)) }

    func received(_ message: [UInt8], cost: Int) {
        // Nothing came ahead of it.
        initial.fulfil(.success(Metadata()))
        messages.append(message, cost: cost)
    }

    func completed(_ result: Result<Reply, RPCError>) {
        initial.fulfil(result.map(\.initialMetadata))
        messages.end(result)
        end.fulfil(result)
    }

    func discard() -> Int { messages.discard() }
}

/// A value that comes once, for whoever asks, before or after.
final class Promised<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiting: [CheckedContinuation<Value, Never>] = []
    }

    private let state = Mutex(State())

    /// What comes second changes nothing.
    func fulfil(_ value: Value) {
        let waiting = state.withLock { state in
            guard state.value == nil else { return [CheckedContinuation<Value, Never>]() }
            state.value = value
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: value) }
    }

    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let value = state.withLock { state in
                if state.value == nil { state.waiting.append(continuation) }
                return state.value
            }
            if let value { continuation.resume(returning: value) }
        }
    }
}
