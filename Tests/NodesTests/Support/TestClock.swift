import Cluster
import Synchronization

/// A wall clock that begins on a day of its own, goes on like the machine's, and jumps when it is told to. Deadlines
/// are measured by the machine's monotonic clock.
final class TestClock: WallClock {
    /// 2026-06-01, noon, UTC.
    private static let beginningMs: UInt64 = 1_780_315_200_000

    private let machine = SystemClock()
    private let startNs: UInt64
    private let jumpedMs = Atomic<Int64>(0)

    init() {
        startNs = machine.monotonicNs()
    }

    func nowMs() -> UInt64 {
        let unmovedMs = Self.beginningMs + (machine.monotonicNs() - startNs) / 1_000_000
        return UInt64(Int64(unmovedMs) + jumpedMs.load(ordering: .relaxed))
    }

    /// Jumps to the beginning of the next minute when less than half of this one is left: what a story does at once
    /// then falls into one bucket of time.
    func stayInOneMinute() {
        let past = nowMs() % 60_000
        if past > 30_000 { advance(ms: Int64(60_000 - past)) }
    }

    func monotonicNs() -> UInt64 { machine.monotonicNs() }

    /// Jumps forward, or back.
    func advance(hours: Int64 = 0, ms: Int64 = 0) {
        jumpedMs.add(hours * 3_600_000 + ms, ordering: .relaxed)
    }
}
