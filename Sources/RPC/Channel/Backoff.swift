import NIOCore

/// How long to wait between tries to connect: growing, bounded, and spread so that clients do not come back as one.
///
/// The default is gRPC's (doc/connection-backoff.md there).
public struct Backoff: Hashable, Sendable {
    public var initial: Duration
    public var factor: Double
    public var cap: Duration
    /// The share of a wait that is left to chance: 0.2 means 80–120 %.
    public var jitter: Double

    public init(
        initial: Duration = .seconds(1), factor: Double = 1.6, cap: Duration = .seconds(120), jitter: Double = 0.2
    ) {
        self.initial = initial
        self.factor = factor
        self.cap = cap
        self.jitter = jitter
    }

    /// For a cluster on one machine, where a node that starts again is there in a moment and nobody is flooded.
    public static let local = Backoff(initial: .milliseconds(50), cap: .seconds(2))

    /// The wait after `failures` tries in a row (from 1); `unit` is chance, 0..<1.
    func wait(failures: Int, unit: Double) -> TimeAmount {
        var wait = min(initial, cap)
        for _ in 1..<max(2, failures) where failures > 1 && wait < cap { wait = min(wait * factor, cap) }
        return TimeAmount(wait * (1 - jitter + 2 * jitter * unit))
    }
}

/// Whether a channel without a connection makes one. Pure: time and chance come in.
struct Reconnection {
    enum Decision: Equatable {
        case connect
        case refuse(RPCError, until: NIODeadline)
    }

    private let backoff: Backoff
    private var failures = 0
    private var failure: (error: RPCError, until: NIODeadline)?

    init(backoff: Backoff) {
        self.backoff = backoff
    }

    /// A call needs a connection. Until the next try is due it is refused, with the error of the last one.
    func decide(now: NIODeadline) -> Decision {
        guard let failure, now < failure.until else { return .connect }
        return .refuse(failure.error, until: failure.until)
    }

    mutating func failed(_ error: RPCError, now: NIODeadline, unit: Double) {
        failures += 1
        failure = (error, now + backoff.wait(failures: failures, unit: unit))
    }

    mutating func succeeded() {
        failures = 0
        failure = nil
    }
}
