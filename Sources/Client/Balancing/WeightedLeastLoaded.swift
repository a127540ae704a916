/// The default policy: least (in flight + 1) / weight, in flight being ours plus what the server last reported, with
/// failures counted as load.
///
/// The + 1 makes weights count on an idle cluster; the server's own report is there because least-loaded by a client's
/// own view loses when clients are many; failures as load keep a node that fails fast from looking idle.
/// Same region first; a node that drains is used when no other is left; a node that failed is left out until its probe.
public struct WeightedLeastLoaded: BalancingPolicy {
    public init() {}

    public func choose(_ candidates: [Candidate], tieBreak: UInt64) -> Int? {
        // A node that is due gets its one probe now: it would never come back if only better ones were chosen.
        if let probe = candidates.indices.first(where: { candidates[$0].standing == .probeDue }) { return probe }
        let best = candidates.map(Self.tier).min()
        return leastLoaded(candidates.indices.filter { Self.tier(candidates[$0]) == best }, candidates, tieBreak)
    }

    /// Lower is tried first. The last tier is tried, too: refusing a call because all failed lately helps nobody.
    private static func tier(_ candidate: Candidate) -> Int {
        if candidate.standing == .out { return 4 }
        return (candidate.draining ? 2 : 0) + (candidate.sameRegion ? 0 : 1)
    }

    private func leastLoaded(_ indices: [Int], _ candidates: [Candidate], _ tieBreak: UInt64) -> Int? {
        guard let first = indices.first else { return nil }
        var equals = [first]
        for index in indices.dropFirst() {
            switch compare(candidates[index], candidates[equals[0]]) {
            case ..<0: equals = [index]
            case 0: equals.append(index)
            default: break
            }
        }
        return equals[Int(tieBreak % UInt64(equals.count))]
    }

    /// Negative when `left` is the less loaded. a/v < b/w is a·w < b·v: no division, no rounding.
    private func compare(_ left: Candidate, _ right: Candidate) -> Int {
        let (a, b) = (load(left) * max(1, right.weight), load(right) * max(1, left.weight))
        return a < b ? -1 : (a == b ? 0 : 1)
    }

    private func load(_ candidate: Candidate) -> Int {
        candidate.inFlight + candidate.reportedInFlight + candidate.failurePenalty + 1
    }
}
