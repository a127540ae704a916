import Testing

@testable import Nodes

@Suite struct WindowedCountTests {
    private static let minute: UInt64 = 60_000
    private static let hour: UInt64 = 60 * minute
    /// In the middle of a minute and of an hour.
    private static let nowMs: UInt64 = 480_000 * hour + 30 * minute + 30_000

    private func counts(_ count: WindowedCount, nowMs: UInt64 = nowMs) -> [Int64] {
        TopWindow.allCases.map { count.count(in: $0, nowMs: nowMs) }
    }

    @Test func windowsAreNamedAsTheyArePrinted() {
        for window in TopWindow.allCases { #expect(TopWindow(rawValue: "\(window)") == window) }
        #expect(TopWindow.allCases.map(\.description) == ["15m", "1h", "24h", "7d", "all"])
        #expect(TopWindow(rawValue: "2h") == nil)
    }

    /// One event for each window that is just in it, and one that is just not.
    @Test func windowsAreWholeBucketsWithTheCurrentOne() {
        let startOfMinute = Self.nowMs / Self.minute * Self.minute
        let startOfHour = Self.nowMs / Self.hour * Self.hour
        let edges: [(TopWindow, UInt64)] = [
            (.quarter, startOfMinute - 14 * Self.minute), (.hour, startOfMinute - 59 * Self.minute),
            (.day, startOfHour - 23 * Self.hour), (.week, startOfHour - 167 * Self.hour),
        ]
        for (window, edgeMs) in edges {
            #expect(window.startMs(nowMs: Self.nowMs) == edgeMs)
            var count = WindowedCount()
            count.add(1, atMs: edgeMs)
            count.add(10, atMs: edgeMs - 1)
            #expect(count.count(in: window, nowMs: Self.nowMs) == 1)
            #expect(count.count(in: .all, nowMs: Self.nowMs) == 11)
        }
    }

    @Test func aWithdrawnLikeIsTakenFromItsOwnBucket() {
        var count = WindowedCount()
        count.add(1, atMs: Self.nowMs)
        count.add(1, atMs: Self.nowMs - 2 * Self.hour)
        count.add(-1, atMs: Self.nowMs - 2 * Self.hour)
        #expect(counts(count) == [1, 1, 1, 1, 1])
        #expect(count.hours.buckets.count == 1)
    }

    @Test func whatIsTakenFromAPrunedBucketChangesTheTotalAlone() {
        var count = WindowedCount()
        count.add(3, atMs: Self.nowMs - 200 * Self.hour)
        count.add(1, atMs: Self.nowMs)
        count.prune(nowMs: Self.nowMs)
        #expect(count.hours.buckets.count == 1)
        count.add(-1, atMs: Self.nowMs - 200 * Self.hour)
        #expect(counts(count) == [1, 1, 1, 1, 3])
        count.prune(nowMs: Self.nowMs)
        #expect(count.hours.deltas == [1] && count.minutes.deltas == [1])
    }

    @Test func pruningLeavesSomeSlackAndNoMore() {
        var count = WindowedCount()
        for hours in 0...400 { count.add(1, atMs: Self.nowMs - UInt64(hours) * Self.hour) }
        for minutes in 1...400 { count.add(1, atMs: Self.nowMs - UInt64(minutes) * Self.minute) }
        let before = counts(count)
        count.prune(nowMs: Self.nowMs)
        #expect(counts(count) == before)
        #expect(count.minutes.buckets.count == 120 && count.hours.buckets.count == 170)
        #expect(counts(count, nowMs: Self.nowMs - Self.hour) != before, "the past is still there")
    }

    @Test func theBeginningOfTimeIsNotCrossed() {
        var count = WindowedCount()
        count.add(1, atMs: 0)
        count.prune(nowMs: 1)
        #expect(counts(count, nowMs: 1) == [1, 1, 1, 1, 1])
    }

    @Test func storedListsAreTakenOnlyWhenTheyFitTogether() {
        #expect(BucketCounts(buckets: [1, 2], deltas: [3]) == nil)
        #expect(BucketCounts(buckets: [2, 2], deltas: [3, 4]) == nil)
        #expect(BucketCounts(buckets: [2, 1], deltas: [3, 4]) == nil)
        #expect(BucketCounts(buckets: [1, 2, 5], deltas: [3, 0, 4])?.buckets == [1, 5])
    }

    @Test func randomSumsAndDifferencesEqualTheEvents() {
        let seed = Seed.fresh()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var (a, b, both) = (WindowedCount(), WindowedCount(), WindowedCount())
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                let delta = Int64.random(in: -2...3, using: &random)
                let atMs = Self.nowMs - UInt64.random(in: 0...(90 * Self.minute), using: &random)
                if Bool.random(using: &random) { a.add(delta, atMs: atMs) } else { b.add(delta, atMs: atMs) }
                both.add(delta, atMs: atMs)
            }
            var merged = a
            merged.merge(b)
            #expect(merged == both, "ROOKERY_SEED=\(seed)")
            #expect(both - b == a, "ROOKERY_SEED=\(seed)")
            let minutes = BucketCounts(buckets: both.minutes.buckets, deltas: both.minutes.deltas)
            let hours = BucketCounts(buckets: both.hours.buckets, deltas: both.hours.deltas)
            let stored = WindowedCount(
                total: both.total, minutes: minutes ?? BucketCounts(), hours: hours ?? BucketCounts())
            #expect(stored == both, "ROOKERY_SEED=\(seed)")
        }
    }
}
