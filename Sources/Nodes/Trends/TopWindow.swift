/// How far back a count reaches: whole buckets by the time of the event, the current one included (rule F4).
///
/// A window has a beginning and no end: what a node with a fast clock counted a little ahead of now is in it at once.
/// So with time events only ever leave a window, which `TopTable` builds upon.
enum TopWindow: String, CaseIterable, Sendable, CustomStringConvertible {
    case quarter = "15m"
    case hour = "1h"
    case day = "24h"
    case week = "7d"
    case all = "all"

    var description: String { rawValue }

    /// What a window is made of.
    enum Unit: CaseIterable, Sendable {
        case minute, hour

        var lengthMs: UInt64 { self == .minute ? 60_000 : 3_600_000 }

        /// Since 1970.
        func bucket(ofMs unixMs: UInt64) -> UInt32 { UInt32(clamping: unixMs / lengthMs) }
    }

    /// Nil for all.
    var unit: Unit? {
        switch self {
        case .quarter, .hour: .minute
        case .day, .week: .hour
        case .all: nil
        }
    }

    /// In units; none for all.
    var length: UInt32 {
        switch self {
        case .quarter: 15
        case .hour: 60
        case .day: 24
        case .week: 168
        case .all: 0
        }
    }

    /// The oldest bucket in the window; 0 for all.
    func firstBucket(nowMs: UInt64) -> UInt32 {
        guard let current = unit?.bucket(ofMs: nowMs) else { return 0 }
        return current - min(current, length - 1)
    }

    /// When the window begins, in Unix ms; 0 for all.
    func startMs(nowMs: UInt64) -> UInt64 { UInt64(firstBucket(nowMs: nowMs)) * (unit?.lengthMs ?? 0) }
}
