import Cluster
import Synchronization

@testable import Client

/// A clock that stands still unless somebody sleeps, and then is as much later at once.
final class StillTime: WallClock {
    private let ns = Atomic<UInt64>(1_000_000_000)
    private let stands: Bool

    /// - Parameter stands: also while somebody sleeps.
    init(stands: Bool = false) { self.stands = stands }

    func nowMs() -> UInt64 { monotonicNs() / 1_000_000 }

    func monotonicNs() -> UInt64 { ns.load(ordering: .relaxed) }

    func advance(_ duration: Duration) { ns.add(UInt64(duration / .nanoseconds(1)), ordering: .relaxed) }

    /// No time ever goes by, and chance is always the same.
    static var environment: Environment { StillTime(stands: true).environment }

    var environment: Environment {
        Environment(clock: self, random: { 0 }) { duration in
            if !self.stands { self.advance(duration) }
        }
    }
}
