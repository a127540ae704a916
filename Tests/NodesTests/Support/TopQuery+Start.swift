import Client

extension TopQuery.Window {
    /// When the window begins, in Unix ms: whole buckets, the current one included (rule F4).
    func startMs(nowMs: UInt64) -> UInt64 {
        switch self {
        case .quarter: (nowMs / 60_000 - 14) * 60_000
        case .hour: (nowMs / 60_000 - 59) * 60_000
        case .day: (nowMs / 3_600_000 - 23) * 3_600_000
        case .week: (nowMs / 3_600_000 - 167) * 3_600_000
        case .all: 0
        }
    }
}
