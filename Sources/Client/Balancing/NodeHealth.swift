/// Whether a node may be used: well → (failures) → left out for a while → one probe → well, or left out for longer.
///
/// A state machine without a clock of its own. Only failures of the node count (no connection, no answer); a refusal
/// is an answer.
public struct NodeHealth: Hashable, Sendable {
    public enum Standing: Hashable, Sendable {
        case well
        /// Left out: it failed, or its probe is under way.
        case out
        /// The next call to it decides.
        case probeDue
    }

    /// How many failures in a row put a node out.
    public static let failuresToEject = 3
    public static let firstEjectionNs: UInt64 = 100_000_000
    public static let longestEjectionNs: UInt64 = 5_000_000_000
    /// A probe that has said nothing for so long may be followed by another.
    public static let probeLimitNs: UInt64 = 1_000_000_000

    private enum State: Hashable {
        case well(failures: Int)
        case ejected(untilNs: UInt64, times: Int)
        case probing(sinceNs: UInt64, times: Int)
    }

    private var state = State.well(failures: 0)

    public init() {}

    public func standing(nowNs: UInt64) -> Standing {
        switch state {
        case .well: .well
        case .ejected(let untilNs, _): nowNs >= untilNs ? .probeDue : .out
        case .probing(let sinceNs, _): nowNs >= sinceNs + Self.probeLimitNs ? .probeDue : .out
        }
    }

    /// A call is on its way to the node; when it was due, that call is the probe.
    public mutating func chosen(nowNs: UInt64) {
        guard standing(nowNs: nowNs) == .probeDue else { return }
        switch state {
        case .well: break
        case .ejected(_, let times), .probing(_, let times): state = .probing(sinceNs: nowNs, times: times)
        }
    }

    public mutating func answered() { state = .well(failures: 0) }

    /// - Parameter unreachable: there was no connection: certain enough to leave it out at once.
    public mutating func failed(unreachable: Bool, nowNs: UInt64) {
        switch state {
        case .well(let failures):
            let count = failures + 1
            state =
                unreachable || count >= Self.failuresToEject
                ? .ejected(untilNs: nowNs + Self.firstEjectionNs, times: 1) : .well(failures: count)
        case .probing(_, let times):
            state = .ejected(untilNs: nowNs + Self.ejection(after: times), times: times + 1)
        case .ejected:
            // A call that was under way when the node was put out: says nothing new.
            break
        }
    }

    private static func ejection(after times: Int) -> UInt64 {
        min(longestEjectionNs, firstEjectionNs << UInt64(min(times, 8)))
    }
}
