import NIOCore

/// How long the last PING of this side took to come back. Pure: time comes in.
struct RoundTripTimer {
    private var sent: NIODeadline?
    /// The time that it took, and when that was known.
    private(set) var last: (time: TimeAmount, at: NIODeadline)?

    /// While one is on its way another is not timed: PONGs come in the order of their PINGs.
    mutating func pinged(now: NIODeadline) {
        if sent == nil { sent = now }
    }

    /// A PONG that no PING asked for says nothing.
    mutating func ponged(now: NIODeadline) {
        guard let sent else { return }
        last = (now - sent, now)
        self.sent = nil
    }
}
