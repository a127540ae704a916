import Cluster
import Synchronization

/// A clock that stands until it is set.
final class TestClock: WallClock {
    static let noonMs = Id.epochMs + 1_000_000_000

    private let now: Mutex<UInt64>

    init(_ nowMs: UInt64 = noonMs) { now = Mutex(nowMs) }

    func nowMs() -> UInt64 { now.withLock { $0 } }

    func monotonicNs() -> UInt64 { nowMs() * 1_000_000 }

    func advance(byMs step: Int64) {
        now.withLock { $0 = UInt64(Int64($0) + step) }
    }
}
