import Synchronization

/// A door that opens once. Handlers wait at it, so that no test needs to guess a time.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var next = 0
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when the door is open; throws CancellationError when the task is cancelled before.
    func wait() async throws {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(ticket, $0) }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func wait(_ ticket: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let result: Result<Void, any Error>? = state.withLock { state in
            if state.cancelled.contains(ticket) { return .failure(CancellationError()) }
            if state.isOpen { return .success(()) }
            state.waiting[ticket] = continuation
            return nil
        }
        if let result { continuation.resume(with: result) }
    }

    private func cancel(_ ticket: Int) {
        let continuation = state.withLock { state in
            state.cancelled.insert(ticket)
            return state.waiting.removeValue(forKey: ticket)
        }
        continuation?.resume(throwing: CancellationError())
    }
}
