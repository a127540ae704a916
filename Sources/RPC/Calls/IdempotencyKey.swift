/// Names one intent of a caller over all its tries. Zero means that there is none.
public struct IdempotencyKey: Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static let none = IdempotencyKey(high: 0, low: 0)

    public var isNone: Bool { self == .none }
}
