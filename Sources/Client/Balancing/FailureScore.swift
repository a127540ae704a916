/// A node's recent failures as load: each counts as a number of calls in flight and halves every half-life.
public struct FailureScore: Hashable, Sendable {
    /// One failure weighs as much as this many calls in flight.
    public static let callsPerFailure = 16
    /// The score's bound: a node that failed a thousand times comes back as soon as one that failed a hundred times.
    public static let limit = 1024
    public static let halfLifeNs: UInt64 = 1_000_000_000

    private var score = 0
    private var atNs: UInt64 = 0

    public init() {}

    public mutating func failed(nowNs: UInt64) {
        score = min(Self.limit, penalty(nowNs: nowNs) + Self.callsPerFailure)
        atNs = nowNs
    }

    /// What the failures count as now, in calls in flight.
    public func penalty(nowNs: UInt64) -> Int {
        guard nowNs > atNs, score > 0 else { return score }
        let (halvings, rest) = ((nowNs - atNs) / Self.halfLifeNs, (nowNs - atNs) % Self.halfLifeNs)
        guard halvings < 16 else { return 0 }
        let base = score >> Int(halvings)
        // Straight between two halvings: close enough to the exponential, and whole numbers only.
        return base - Int(UInt64(base) * rest / (2 * Self.halfLifeNs))
    }
}
