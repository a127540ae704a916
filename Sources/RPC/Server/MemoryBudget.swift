import Synchronization

/// What the connections of a server hold together: requests that wait or run, messages that no handler has read, answers
/// that were not taken, frames that have come in part.
///
/// Each connection is bounded by its limits. Very many that all go to theirs are bounded here: beyond the budget, one
/// that holds more than its share of it is closed when it next does anything, and those that hold little do not notice
/// (docs/decisions/0015).
final class MemoryBudget: Sendable {
    /// A connection tells a change of at least so many bytes: most calls need not touch what all connections share.
    static let step = 16_384

    private let limit: Int
    private let held = Atomic(0)

    /// - Parameter limit: bytes, of all connections together.
    init(limit: Int) { self.limit = limit }

    /// Held now, as far as it was told.
    var heldBytes: Int { held.load(ordering: .relaxed) }

    func changed(by bytes: Int) { held.add(bytes, ordering: .relaxed) }

    /// Why a connection must end now; nil when it need not.
    /// - Parameters:
    ///   - bytes: what it holds.
    ///   - connections: how many there are.
    func refusal(of bytes: Int, among connections: @autoclosure () -> Int) -> ProtocolViolation? {
        guard heldBytes > limit, bytes > limit / max(1, connections()) else { return nil }
        return ProtocolViolation(
            .resourceExhausted, "the server's memory is used up, and this connection holds more than its share")
    }
}

/// Bytes that are held on behalf of one connection, counted by whichever thread takes or leaves them.
final class HeldBytes: Sendable {
    private let bytes = Atomic(0)

    var count: Int { bytes.load(ordering: .relaxed) }

    func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }

    func subtract(_ count: Int) { bytes.subtract(count, ordering: .relaxed) }
}
