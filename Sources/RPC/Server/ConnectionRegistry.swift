import NIOCore
import Synchronization

/// The connections of a server, so that it can end them.
final class ConnectionRegistry: Sendable {
    private struct State {
        var drivers: [ObjectIdentifier: ServerDriver] = [:]
        var isStopping = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { state.withLock { $0.drivers.count } }

    /// nil, or why the connection is not taken.
    func add(_ driver: ServerDriver) -> ProtocolViolation? {
        state.withLock { state in
            if state.isStopping { return ProtocolViolation(.unavailable, "the server is shutting down") }
            guard state.drivers.count < limit else {
                return ProtocolViolation(.resourceExhausted, "more than \(limit) connections")
            }
            state.drivers[ObjectIdentifier(driver)] = driver
            return nil
        }
    }

    func remove(_ driver: ServerDriver) {
        let done = state.withLock { state in
            state.drivers[ObjectIdentifier(driver)] = nil
            guard state.drivers.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in done { continuation.resume() }
    }

    /// No more are taken; returns those that there are.
    func stop() -> [ServerDriver] {
        state.withLock { state in
            state.isStopping = true
            return Array(state.drivers.values)
        }
    }

    /// Those who wait for the end wait no longer.
    func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when all connections are gone, or at the next `release`.
    func emptied() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.drivers.isEmpty { state.waiting.append(continuation) }
                return state.drivers.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }
}
