/// What went over a connection since it was made.
public struct Traffic: Hashable, Sendable {
    /// Calls that were begun; all of them succeed or fail in the end, which the accepting side counts.
    public var calls: UInt64 = 0
    public var succeeded: UInt64 = 0
    /// Also those that were cancelled or overdue, and those whose connection went.
    public var failed: UInt64 = 0
    /// MESSAGE frames; a unary call's request and answer are none.
    public var messagesIn: UInt64 = 0
    public var messagesOut: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0

    public init() {}

    mutating func count(succeeded isSuccess: Bool) {
        if isSuccess { succeeded += 1 } else { failed += 1 }
    }

    static func += (sum: inout Traffic, other: Traffic) {
        sum.calls += other.calls
        sum.succeeded += other.succeeded
        sum.failed += other.failed
        sum.messagesIn += other.messagesIn
        sum.messagesOut += other.messagesOut
        sum.bytesIn += other.bytesIn
        sum.bytesOut += other.bytesOut
    }
}
