import DequeModule
import Synchronization

/// Holds a stream's messages until their consumer asks, and then its end. What it may hold is bounded by the credit of
/// the stream, which goes back as messages are taken.
final class MessageQueue<End: Sendable>: Sendable {
    enum Item: Sendable {
        case message([UInt8], cost: Int)
        case end(End)
    }

    private struct State {
        var messages = Deque<(bytes: [UInt8], cost: Int)>()
        var end: End?
        var waiter: CheckedContinuation<Item, Never>?
    }

    private let state = Mutex(State())

    func append(_ message: [UInt8], cost: Int) {
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

    /// Nothing comes after it; a second end changes nothing.
    func end(_ end: End) {
        let waiter = state.withLock { state in
            guard state.end == nil else { return CheckedContinuation<Item, Never>?.none }
            state.end = end
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: .end(end))
    }

    /// The next message, or the end when all are taken; the end again after it. One consumer at a time.
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
