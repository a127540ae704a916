/// Bounds retries to a share of the calls, over all callers of a client: when a cluster is in trouble, retries must not
/// make it worse. A token bucket: each call puts in a tenth, each retry takes a whole, and a few a second are free.
public struct RetryBudget: Hashable, Sendable {
    /// Of a retry, in thousandths.
    private static let perCall = 100
    private static let perRetry = 1000

    /// What the bucket holds at most, in retries.
    public var capacity: Int
    /// Retries that are free each second, so that a quiet client may retry, too.
    public var freePerSecond: Int

    private var tokens: Int
    private var atNs: UInt64

    public init(capacity: Int = 100, freePerSecond: Int = 10, nowNs: UInt64) {
        self.capacity = capacity
        self.freePerSecond = freePerSecond
        tokens = freePerSecond * Self.perRetry
        atNs = nowNs
    }

    /// A call's first try was made.
    public mutating func called(nowNs: UInt64) { add(Self.perCall, nowNs: nowNs) }

    /// Takes a retry out of the bucket; false when there is none.
    public mutating func takeRetry(nowNs: UInt64) -> Bool {
        add(0, nowNs: nowNs)
        guard tokens >= Self.perRetry else { return false }
        tokens -= Self.perRetry
        return true
    }

    private mutating func add(_ amount: Int, nowNs: UInt64) {
        let elapsedMs = nowNs > atNs ? Int(min((nowNs - atNs) / 1_000_000, 1_000_000)) : 0
        // The clock moves on only by the milliseconds that were counted: fast callers lose nothing to rounding.
        if elapsedMs > 0 { atNs = max(atNs, nowNs - (nowNs - atNs) % 1_000_000) }
        tokens = min(capacity * Self.perRetry, tokens + amount + elapsedMs * freePerSecond)
    }
}
