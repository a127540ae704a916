import Synchronization

/// Slows down guessing: after a few failures an account, and an address, must wait, longer each time (rule G1).
/// Pure but for its lock; time comes in. Bounded: the oldest entries go when there are too many.
///
/// An attempt is counted when it begins, and settled when it ends: whoever sends many guesses at once gets no more of
/// them looked at than one who sends them one after the other.
/// - An **account** has as many attempts under way as it has failures left, and at least one: what is under way counts
///   like a failure until it has proven otherwise.
/// - An **address** may have any number under way until its failures have reached their limit, and one from then on:
///   an import logs hundreds of people in from one address, and somebody's slip must not stop the others. Beyond its
///   limit it gets at most what the hasher's queue holds, once.
final class LoginThrottle: Sendable {
    fileprivate struct Record: Sendable {
        var failures = 0
        /// Begun, and not settled.
        var underWay = 0
        var blockedUntilMs: UInt64 = 0
        var lastMs: UInt64 = 0
    }

    fileprivate struct Rule {
        var key: String
        /// Failures after which there is a wait.
        var free: Int
        var countsUnderWay: Bool
    }

    /// Why an attempt may not begin.
    enum Refused: Error, Equatable {
        case blocked(waitMs: UInt64)
        /// Others are under way, and nobody knows yet how they end.
        case crowded
    }

    enum Result {
        case proven
        case failed
        /// Nobody looked at the secret: the hasher was busy, the call was cancelled, a read failed. Counts for nothing.
        case unknown
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

    /// Counts an attempt, before a secret is looked at. Each that begins must be settled, once.
    func begin(account: UInt64, address: String, nowMs: UInt64) throws(Refused) {
        try records.withLock { records throws(Refused) in
            let rules = rules(account, address)
            for rule in rules {
                if let refused = records[rule.key]?.refusal(rule, nowMs: nowMs) { throw refused }
            }
            if records.count >= Self.maxRecords { Self.forgetOldest(&records, nowMs: nowMs) }
            for rule in rules { records[rule.key, default: Record()].began(nowMs: nowMs) }
        }
    }

    /// A success clears the account, never the address: an attacker has an account of its own.
    func settle(_ result: Result, account: UInt64, address: String, nowMs: UInt64) {
        records.withLock { records in
            for (rule, isAccount) in zip(rules(account, address), [true, false]) {
                guard var record = records[rule.key] else { preconditionFailure("an attempt under way has a record") }
                record.underWay -= 1
                switch result {
                case .proven where isAccount: (record.failures, record.blockedUntilMs) = (0, 0)
                case .failed: record.failed(rule, nowMs: nowMs)
                case .proven, .unknown: break
                }
                records[rule.key] = record.failures == 0 && record.underWay == 0 ? nil : record
            }
        }
    }

    /// Accounts and addresses of which something is remembered.
    var count: Int { records.withLock { $0.count } }

    /// The account's, then the address's.
    private func rules(_ account: UInt64, _ address: String) -> [Rule] {
        let host = address.split(separator: ":").dropLast().joined(separator: ":")
        return [
            Rule(key: "a\(account)", free: freeFailures, countsUnderWay: true),
            Rule(key: "h\(host)", free: freeFailures * Self.addressFactor, countsUnderWay: false),
        ]
    }

    /// Never one of an attempt under way: those are bounded by the calls that a node takes.
    private static func forgetOldest(_ records: inout [String: Record], nowMs: UInt64) {
        records = records.filter { $0.value.underWay > 0 || $0.value.lastMs + forgetAfterMs >= nowMs }
        guard records.count >= maxRecords else { return }
        let cut = records.values.map(\.lastMs).sorted()[records.count / 2]
        records = records.filter { $0.value.underWay > 0 || $0.value.lastMs > cut }
    }
}

extension LoginThrottle.Record {
    fileprivate func refusal(_ rule: LoginThrottle.Rule, nowMs: UInt64) -> LoginThrottle.Refused? {
        if blockedUntilMs > nowMs { return .blocked(waitMs: blockedUntilMs - nowMs) }
        let left = rule.free - failures
        // Once the wait is over there is one try, whose failure makes the next wait longer.
        guard rule.countsUnderWay || left <= 0 else { return nil }
        return underWay < max(1, left) ? nil : .crowded
    }

    fileprivate mutating func began(nowMs: UInt64) {
        if lastMs + LoginThrottle.forgetAfterMs < nowMs { failures = 0 }
        underWay += 1
        lastMs = nowMs
    }

    fileprivate mutating func failed(_ rule: LoginThrottle.Rule, nowMs: UInt64) {
        failures += 1
        lastMs = max(lastMs, nowMs)
        guard failures >= rule.free else { return }
        let doublings = min(failures - rule.free, 20)
        blockedUntilMs = nowMs + min(LoginThrottle.maxWaitMs, 1000 << UInt64(doublings))
    }
}
