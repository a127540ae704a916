import Synchronization

/// Slows down guessing: after a few failures an account, and an address, must wait, longer each time (rule G1).
/// Pure but for its lock; time comes in. Bounded: the oldest entries go when there are too many.
final class LoginThrottle: Sendable {
    private struct Record: Sendable {
        var failures = 0
        var blockedUntilMs: UInt64 = 0
        var lastMs: UInt64 = 0
    }

    static let maxWaitMs: UInt64 = 15 * 60 * 1000
    /// An address serves many people; it gets more tries than an account.
    static let addressFactor = 10
    static let forgetAfterMs: UInt64 = 3600 * 1000
    private static let maxRecords = 100_000

    private let records = Mutex<[String: Record]>([:])
    private let freeFailures: Int

    /// - Parameter freeFailures: how often an account may fail before it must wait.
    init(freeFailures: Int) {
        self.freeFailures = freeFailures
    }

    /// - Returns: ms to wait before the next try; 0 when it may be made now.
    func wait(account: UInt64, address: String, nowMs: UInt64) -> UInt64 {
        records.withLock { records in
            keys(account, address).map { key, _ in
                let until = records[key]?.blockedUntilMs ?? 0
                return until > nowMs ? until - nowMs : 0
            }.max() ?? 0
        }
    }

    func failed(account: UInt64, address: String, nowMs: UInt64) {
        records.withLock { records in
            if records.count >= Self.maxRecords { Self.forgetOldest(&records, nowMs: nowMs) }
            for (key, free) in keys(account, address) {
                var record = records[key] ?? Record()
                if record.lastMs + Self.forgetAfterMs < nowMs { record.failures = 0 }
                record.failures += 1
                record.lastMs = nowMs
                if record.failures >= free {
                    let doublings = min(record.failures - free, 20)
                    record.blockedUntilMs = nowMs + min(Self.maxWaitMs, 1000 << UInt64(doublings))
                }
                records[key] = record
            }
        }
    }

    /// A success clears the account, never the address: an attacker has an account of its own.
    func succeeded(account: UInt64) {
        records.withLock { $0["a\(account)"] = nil }
    }

    private func keys(_ account: UInt64, _ address: String) -> [(String, Int)] {
        let host = address.split(separator: ":").dropLast().joined(separator: ":")
        return [("a\(account)", freeFailures), ("h\(host)", freeFailures * Self.addressFactor)]
    }

    private static func forgetOldest(_ records: inout [String: Record], nowMs: UInt64) {
        records = records.filter { $0.value.lastMs + forgetAfterMs >= nowMs }
        guard records.count >= maxRecords else { return }
        let cut = records.values.map(\.lastMs).sorted()[records.count / 2]
        records = records.filter { $0.value.lastMs > cut }
    }
}
