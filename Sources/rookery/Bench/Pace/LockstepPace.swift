import Client
import Synchronization

/// All workers send at once, and again when all were answered. Latency counts from the round's start.
final class LockstepPace: Pace {
    private typealias Continuation = UnsafeContinuation<Turn?, Never>

    private let window: Window
    private let environment: Environment
    private let size: Int
    /// Those who have their answer and wait for the others; never more than `size`.
    private let waiting: Mutex<[Continuation]>

    /// - Parameter size: how many workers there are; each asks for its turn until it gets none.
    init(size: Int, window: Window, environment: Environment) {
        self.window = window
        self.environment = environment
        self.size = size
        waiting = Mutex([])
    }

    func turn() async -> Turn? {
        await withUnsafeContinuation { continuation in
            // The last one to arrive lets all go. All end in the same round, so none waits for one that has left.
            guard let round = arrive(continuation) else { return }
            let turn = window.turn(at: environment.clock.monotonicNs())
            for continuation in round { continuation.resume(returning: turn) }
        }
    }

    func failed() async { await environment.pauseAfterFailure() }

    /// The whole round when it is complete.
    private func arrive(_ continuation: Continuation) -> [Continuation]? {
        waiting.withLock { waiting in
            waiting.append(continuation)
            guard waiting.count == size else { return nil }
            defer {
                waiting = []
                waiting.reserveCapacity(size)
            }
            return waiting
        }
    }
}
