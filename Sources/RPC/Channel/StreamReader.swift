import DequeModule
import Synchronization

/// Holds a stream's messages until their consumer asks. What it may hold is bounded by the credit of the stream,
/// which goes back as messages are taken.
final class StreamReader: CallSink {
    private struct State {
        var messages = Deque<(bytes: [UInt8], cost: Int)>()
        var end: Result<Reply, RPCError>?
        var waiter: CheckedContinuation<Item, Never>?
    }

    enum Item {
        case message([UInt8], cost: Int)
        case end(Result<Reply, RPCError>)
    }

    private let state = Mutex(State())

    func received(_ message: [UInt8], cost: Int) {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter else {
                state.messages.append((message, cost))
                return CheckedContinuation<Item, Never>?.none
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: .message(message, cost: cost))
    }

    func completed(_ result: Result<Reply, RPCError>) {
        let waiter = state.withLock { state in
            state.end = result
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: .end(result))
    }

    /// The next message, or the end when all are taken. One consumer at a time.
    func next() async -> Item {
        await withCheckedContinuation { continuation in
            let ready: Item? = state.withLock { state in
                if let (bytes, cost) = state.messages.popFirst() { return .message(bytes, cost: cost) }
                if let end = state.end { return .end(end) }
                precondition(state.waiter == nil, "a stream of messages has one consumer")
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    /// Drops what was not taken; returns its cost, for the connection's credit.
    func discard() -> Int {
        state.withLock { state in
            defer { state.messages.removeAll() }
            return state.messages.reduce(0) { $0 + $1.cost }
        }
    }
}

/// What the consumer of a stream holds: when it is let go, the call is cancelled.
final class StreamHandle: Sendable {
    private let reader: StreamReader
    private let call: OutgoingCall
    private let channel: Channel

    init(reader: StreamReader, call: OutgoingCall, channel: Channel) {
        self.reader = reader
        self.call = call
        self.channel = channel
    }

    deinit {
        channel.core.post(.abandon(call))
    }

    /// The next message; nil at the end.
    func next() async throws -> [UInt8]? {
        let item = await withTaskCancellationHandler {
            await reader.next()
        } onCancel: {
            channel.core.post(.cancel(call))
        }
        switch item {
        case .message(let bytes, let cost):
            channel.core.post(.consumed(call, cost))
            return bytes
        case .end(.success): return nil
        case .end(.failure(let error)): throw error
        }
    }
}
