import Cluster

/// The end of a call that asks several times: what is asked later gets what is left.
struct Deadline: Sendable {
    private let timeout: Duration
    private let startNs: UInt64
    private let clock: any WallClock

    /// - Parameter timeout: from now on.
    init(_ timeout: Duration, clock: any WallClock) {
        self.timeout = timeout
        self.clock = clock
        startNs = clock.monotonicNs()
    }

    private var elapsed: Duration { .nanoseconds(Int64(clamping: clock.monotonicNs() &- startNs)) }

    /// Not above zero when the time is up.
    var left: Duration { timeout - elapsed }

    /// Whoever may end early, with something to go on from, does so now.
    var isHalfOver: Bool { elapsed >= timeout / 2 }
}

extension RookeryClient {
    /// Of a call that begins now.
    func deadline() -> Deadline { Deadline(options.timeout, clock: options.environment.clock) }
}
