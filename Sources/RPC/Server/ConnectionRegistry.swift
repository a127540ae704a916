import NIOCore
import Synchronization

/// The connections of a server, so that it can end them and tell of them.
final class ConnectionRegistry: Sendable {
    private struct State {
        var drivers: [UInt64: ServerDriver] = [:]
        var accepted: UInt64 = 0
        var refused: UInt64 = 0
        /// Of the connections that are gone.
        var traffic = Traffic()
        var isStopping = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { state.withLock { $0.drivers.count } }

    /// The connection's id, or why it is not taken.
    func add(_ driver: ServerDriver) -> Result<UInt64, ProtocolViolation> {
        state.withLock { state in
            if let refusal = refusal(state) {
                state.refused += 1
                return .failure(refusal)
            }
            state.accepted += 1
            state.drivers[state.accepted] = driver
            return .success(state.accepted)
        }
    }

    private func refusal(_ state: State) -> ProtocolViolation? {
        if state.isStopping { return ProtocolViolation(.unavailable, "the server is shutting down") }
        guard state.drivers.count < limit else {
            return ProtocolViolation(.resourceExhausted, "more than \(limit) connections")
        }
        return nil
    }

    /// - Parameter traffic: what went over it in the end.
    func remove(_ id: UInt64, traffic: Traffic) {
        let done = state.withLock { state in
            if state.drivers.removeValue(forKey: id) != nil { state.traffic += traffic }
            guard state.drivers.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in done { continuation.resume() }
    }

    // MARK: Looking

    func driver(_ id: UInt64) -> ServerDriver? { state.withLock { $0.drivers[id] } }

    /// Those with ids above `after`, ascending.
    func drivers(after: UInt64, limit: Int) -> [ServerDriver] {
        let drivers = state.withLock { $0.drivers }
        return drivers.filter { $0.key > after }.sorted { $0.key < $1.key }.prefix(limit).map(\.value)
    }

    /// What there was, with those that are still there at the same moment.
    var past: (accepted: UInt64, refused: UInt64, traffic: Traffic, open: [ServerDriver]) {
        state.withLock { ($0.accepted, $0.refused, $0.traffic, Array($0.drivers.values)) }
    }

    // MARK: Ending

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
