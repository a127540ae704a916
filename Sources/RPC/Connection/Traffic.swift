/// What went over a connection since it was made.
public struct Traffic: Hashable, Sendable {
    public var calls: UInt64 = 0
    /// MESSAGE frames; a unary call's request and answer are none.
    public var messagesIn: UInt64 = 0
    public var messagesOut: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0

    public init() {}
}
