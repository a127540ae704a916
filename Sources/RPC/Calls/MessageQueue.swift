import DequeModule
import Synchronization

/// Holds a stream's messages until their consumer asks, and then its end. What it may hold is bounded by the credit of
/// the stream, which goes back as messages are taken: at once when there is no other, else some at a time.
final class MessageQueue<End: Sendable>: Sendable {
    enum Item: Sendable {
        /// With what may be given back for it and for those before it; often nothing.
        case message([UInt8], credit: Int)
        case end(End)
    }

    private struct State {
        var messages = Deque<(bytes: [UInt8], cost: Int)>()
        var end: End?
        var waiter: CheckedContinuation<Item, Never>?
        /// Of messages that were taken.
        var owed = 0

        mutating func take() -> Item? {
            guard let (bytes, cost) = messages.popFirst() else { return end.map { .end($0) } }
            return .message(bytes, credit: taken(cost))
        }

        /// A consumer that finds nothing more owes nothing: else it could wait for what its sender has no credit for.
        mutating func taken(_ cost: Int) -> Int {
            owed += cost
            guard messages.isEmpty || owed >= MessageQueue.mostOwed else { return 0 }
            defer { owed = 0 }
            return owed
        }
    }

    private static var mostOwed: Int { 131_072 }

    private let state = Mutex(State())
    /// Counts the bytes of what was not taken; decompressed, they may be many times their cost.
    private let held: HeldBytes?

    init(counting held: HeldBytes? = nil) { self.held = held }

    func append(_ message: [UInt8], cost: Int) {
        let waiter = state.withLock { state -> (CheckedContinuation<Item, Never>, credit: Int)? in
            guard let waiter = state.waiter else {
                state.messages.append((message, cost))
                held?.add(Self.memory(of: message))
                return nil
            }
            state.waiter = nil
            return (waiter, state.taken(cost))
        }
        if let (waiter, credit) = waiter { waiter.resume(returning: .message(message, credit: credit)) }
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
        if let ready = taken(state.withLock { $0.take() }) { return ready }
        return await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                if let ready = state.take() { return Item?.some(ready) }
                precondition(state.waiter == nil, "a stream of messages has one consumer")
                state.waiter = continuation
                return nil
            }
            if let ready = taken(ready) { continuation.resume(returning: ready) }
        }
    }

    /// An array's head and a place in the line, too: very many small ones are mostly that.
    private static func memory(of message: [UInt8]) -> Int { message.count + 64 }

    private func taken(_ item: Item?) -> Item? {
        if case .message(let bytes, _) = item { held?.subtract(Self.memory(of: bytes)) }
        return item
    }

    /// Drops what was not taken; returns its cost, for the connection's credit.
    func discard() -> Int {
        let (messages, owed) = state.withLock { state in
            defer {
                state.messages = []
                state.owed = 0
            }
            return (state.messages, state.owed)
        }
        held?.subtract(messages.reduce(0) { $0 + Self.memory(of: $1.bytes) })
        return messages.reduce(owed) { $0 + $1.cost }
    }
}
