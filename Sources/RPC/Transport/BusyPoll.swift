import NIOCore

/// When to look for a connection's next bytes for a moment, awake, before its event loop sleeps. Waking a thread takes
/// longer than a call that is answered in place, so whoever calls one thing after another waits half as long. A look that
/// finds nothing costs `limit` of a core; so the more that did, the rarer the next (docs/decisions/0013). Pure.
struct BusyPoll {
    /// Above what such a call and its answer take; the loop's other connections wait as long at most.
    static let limit = TimeAmount.microseconds(50)
    private static let maxStrikes = 8

    private var strikes = 0
    private var toSkip = 0

    /// Asked once a read.
    mutating func isDue() -> Bool {
        guard toSkip > 0 else { return true }
        toSkip -= 1
        return false
    }

    mutating func ended(found: Bool) {
        strikes = found ? 0 : min(strikes + 1, Self.maxStrikes)
        toSkip = (1 << strikes) - 1
    }
}
