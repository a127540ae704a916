/// What a run shall do, checked.
struct BenchSettings: Hashable, Sendable {
    enum Loop: Hashable, Sendable {
        case closed, lockstep
        /// - Parameters:
        ///   - rate: operations a second, over all connections.
        ///   - maxOutstanding: operations under way at most, over all connections.
        case open(rate: UInt64, maxOutstanding: Int)
    }

    var mix: Mix
    var loop: Loop
    var connections: Int
    /// Workers a connection: operations that it has under way at most.
    var inFlight: Int
    var warmup: Duration
    var length: Duration
    var popularity: Popularity
    var seed: UInt64

    var workers: Int {
        switch loop {
        case .closed, .lockstep: connections * inFlight
        case .open(_, let maxOutstanding): maxOutstanding
        }
    }
}

extension BenchSettings.Loop {
    var name: String {
        switch self {
        case .closed: "closed"
        case .lockstep: "lockstep"
        case .open: "open"
        }
    }

    var rate: UInt64? {
        guard case .open(let rate, _) = self else { return nil }
        return rate
    }
}
