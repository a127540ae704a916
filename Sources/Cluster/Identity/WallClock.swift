import Glibc

/// The time, as a parameter: nothing below an executable asks the system itself.
public protocol WallClock: Sendable {
    /// Unix milliseconds; may jump either way.
    func nowMs() -> UInt64
    /// Nanoseconds that only grow, also while the machine sleeps. Leases are measured by it (rule C2).
    func monotonicNs() -> UInt64
}

/// The machine's clocks.
public struct SystemClock: WallClock {
    public init() {}

    public func nowMs() -> UInt64 {
        SystemClock.nanoseconds(CLOCK_REALTIME) / 1_000_000
    }

    public func monotonicNs() -> UInt64 {
        // rule C2: CLOCK_MONOTONIC would stand still during suspend, and a lease would outlive its time.
        SystemClock.nanoseconds(CLOCK_BOOTTIME)
    }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        let result = clock_gettime(clock, &time)
        precondition(result == 0, "clock_gettime failed for clock \(clock): errno \(errno)")
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
