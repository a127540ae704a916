import NIOCore

/// Counts events of the current second.
struct RateWindow {
    private var start: NIODeadline?
    private var events = 0

    /// Counts one and returns how many there were in this second.
    mutating func count(now: NIODeadline) -> Int {
        if let start, now - start < .seconds(1) {
            events += 1
        } else {
            start = now
            events = 1
        }
        return events
    }
}
