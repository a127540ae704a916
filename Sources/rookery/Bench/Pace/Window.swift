/// When a run warms up, measures and ends, in nanoseconds of the monotonic clock.
struct Window: Hashable, Sendable {
    let startNs: UInt64
    /// What starts from here on is measured.
    let measureNs: UInt64
    /// Nothing starts from here on.
    let endNs: UInt64

    init(startNs: UInt64, warmup: Duration, length: Duration) {
        self.startNs = startNs
        measureNs = startNs + UInt64(warmup / .nanoseconds(1))
        endNs = measureNs + UInt64(length / .nanoseconds(1))
    }

    /// The turn of an operation that starts then, nil when the run is over.
    func turn(at startNs: UInt64) -> Turn? {
        startNs < endNs ? Turn(startNs: startNs, isMeasured: startNs >= measureNs) : nil
    }
}

/// Leave for a worker to make one operation.
struct Turn: Hashable, Sendable {
    /// From when on its latency counts.
    let startNs: UInt64
    let isMeasured: Bool
}

/// Says when the workers make their operations.
protocol Pace: Sendable {
    /// Waits until it is the worker's turn; nil when the run is over. Asking says that the last one's answer is there.
    func turn() async -> Turn?
}
