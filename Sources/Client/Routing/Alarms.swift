import Synchronization

/// Wakes those who have waited for so long, in real time. Nearly all stop waiting long before: one task sleeps for all of
/// them together, so that coming and going costs no timer.
final class Alarms: Sendable {
    private struct Waiter {
        var due: ContinuousClock.Instant
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var nextId: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        var isRunning = false
    }

    private let time: Duration
    private let state = Mutex(State())

    /// - Parameter time: the same for all, so that none is due before one that came earlier.
    init(after time: Duration) { self.time = time }

    /// Returns after the time, or when the task is cancelled.
    func wait() async {
        let id = state.withLock { state in
            state.nextId += 1
            return state.nextId
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                add(id, Waiter(due: .now + time, continuation: continuation))
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    private func add(_ id: UInt64, _ waiter: Waiter) {
        let mustRun = state.withLock { state in
            state.waiters[id] = waiter
            defer { state.isRunning = true }
            return !state.isRunning
        }
        // Cancelled before it was there to be found: whoever is first takes it out.
        if Task.isCancelled { state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume() }
        if mustRun { Task { await run() } }
    }

    /// Sleeps until the first is due, as long as there are any.
    private func run() async {
        while let due = state.withLock({ state in
            let due = state.waiters.values.map(\.due).min()
            if due == nil { state.isRunning = false }
            return due
        }) {
            // Nobody cancels this task.
            try? await Task.sleep(until: due)
            let now = ContinuousClock.now
            let woken = state.withLock { state in
                let woken = state.waiters.filter { $0.value.due <= now }
                for id in woken.keys { state.waiters[id] = nil }
                return woken.values.map(\.continuation)
            }
            for continuation in woken { continuation.resume() }
        }
    }
}
