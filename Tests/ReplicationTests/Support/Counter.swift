import Synchronization

/// Counts what happens on other threads, and waits for it.
final class Counter: Sendable {
    private let value = Mutex(0)

    var current: Int { value.withLock { $0 } }

    func add() { value.withLock { $0 += 1 } }

    /// Returns when it has come that far.
    func reach(_ goal: Int) async { while current < goal { await Task.yield() } }
}
