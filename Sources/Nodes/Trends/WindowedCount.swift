/// One count over time: in all, and in the minutes and hours that a window may still reach (rule F4).
struct WindowedCount: Equatable, Sendable {
    private(set) var total: Int64
    private(set) var minutes: BucketCounts
    private(set) var hours: BucketCounts

    init(total: Int64 = 0, minutes: BucketCounts = BucketCounts(), hours: BucketCounts = BucketCounts()) {
        self.total = total
        self.minutes = minutes
        self.hours = hours
    }

    /// Counts `delta` events of the time `atMs`, or takes them back with a negative one: a like that is withdrawn names
    /// the time at which it was given. Of a time whose buckets are pruned already that changes the total alone; the
    /// bucket it leaves lies before every window, until the next `prune`.
    mutating func add(_ delta: Int64, atMs: UInt64) {
        total += delta
        minutes.add(delta, to: TopWindow.Unit.minute.bucket(ofMs: atMs))
        hours.add(delta, to: TopWindow.Unit.hour.bucket(ofMs: atMs))
    }

    func count(in window: TopWindow, nowMs: UInt64) -> Int64 {
        switch window.unit {
        case .minute: minutes.sum(from: window.firstBucket(nowMs: nowMs))
        case .hour: hours.sum(from: window.firstBucket(nowMs: nowMs))
        case nil: total
        }
    }

    /// Counts what the other one counted, too.
    mutating func merge(_ other: WindowedCount) { self = self + other }

    static func + (a: Self, b: Self) -> Self {
        Self(total: a.total + b.total, minutes: a.minutes + b.minutes, hours: a.hours + b.hours)
    }

    /// What `a` counted and `b` did not. Where the two were pruned at different times, buckets before every window may
    /// remain, even negative ones.
    static func - (a: Self, b: Self) -> Self {
        Self(total: a.total - b.total, minutes: a.minutes - b.minutes, hours: a.hours - b.hours)
    }

    /// Forgets the buckets that no window reaches, nor would reach if the clock were set back a little.
    mutating func prune(nowMs: UInt64) {
        minutes.drop(before: Self.oldestKept(.hour, slack: 60, nowMs: nowMs))
        hours.drop(before: Self.oldestKept(.week, slack: 2, nowMs: nowMs))
    }

    /// - Parameter slack: in the window's units.
    private static func oldestKept(_ window: TopWindow, slack: UInt32, nowMs: UInt64) -> UInt32 {
        let first = window.firstBucket(nowMs: nowMs)
        return first - min(first, slack)
    }
}
