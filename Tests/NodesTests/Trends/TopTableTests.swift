import Testing

@testable import Nodes

/// Beside the random ones, stories that each name one way to be wrong.
@Suite struct TopTableTests {
    private static let minute: UInt64 = 60_000
    private static let nowMs: UInt64 = 30_000_000 * minute

    private static func counts(_ count: Int64, atMs: UInt64 = nowMs) -> WindowedCount {
        var counts = WindowedCount()
        counts.add(count, atMs: atMs)
        return counts
    }

    private static func filled(capacity: Int = 4, keys: ClosedRange<Int>) -> TopTable<Int> {
        var table = TopTable<Int>(capacity: capacity)
        table.refill(from: keys.map { ($0, counts(Int64($0))) }, nowMs: nowMs)
        return table
    }

    private func keys(_ top: Top<Int>?) -> [Int]? { top?.entries.map(\.key) }

    @Test func whatWasNeverFilledKnowsNothing() {
        var table = TopTable<Int>()
        table.update(1, Self.counts(5), nowMs: Self.nowMs)
        #expect(table.top(1, in: .all, nowMs: Self.nowMs) == nil)
        table.refill(from: [], nowMs: Self.nowMs)
        #expect(table.top(1, in: .all, nowMs: Self.nowMs) == Top(entries: [], next: nil))
    }

    @Test func theNextOneIsABoundForAllOthers() {
        var table = Self.filled(capacity: 4, keys: 1...3)
        #expect(table.top(2, in: .hour, nowMs: Self.nowMs)?.next == Ranked(count: 1, key: 1))
        #expect(table.top(3, in: .hour, nowMs: Self.nowMs)?.next == nil)
        #expect(table.top(0, in: .hour, nowMs: Self.nowMs)?.next == Ranked(count: 3, key: 3))
    }

    @Test func whoIsDroppedAndRisesAgainIsThere() {
        var table = Self.filled(keys: 1...100)
        table.update(7, Self.counts(1000), nowMs: Self.nowMs)
        #expect(keys(table.top(2, in: .day, nowMs: Self.nowMs)) == [7, 100])
    }

    @Test func whoSankBelowTheFloorIsNotShownAboveTheDropped() {
        var table = Self.filled(keys: 1...100)
        for key in 60...100 { table.update(key, Self.counts(1), nowMs: Self.nowMs) }
        // 59 is first now, and only the stored counts know it.
        #expect(table.top(1, in: .all, nowMs: Self.nowMs) == nil)
        let rows = (1...100).map { ($0, Self.counts($0 < 60 ? Int64($0) : 1)) }
        let top = table.refill(from: rows, answering: 2, in: .all, nowMs: Self.nowMs)
        #expect(keys(top) == [59, 58])
        #expect(top.next == Ranked(count: 57, key: 57))
    }

    @Test func equalCountsStandByAscendingKeyAcrossTheFloor() {
        var table = TopTable<Int>(capacity: 4)
        let rows = (1...50).reversed().map { ($0, Self.counts(1)) }
        table.refill(from: rows, nowMs: Self.nowMs)
        #expect(keys(table.top(4, in: .quarter, nowMs: Self.nowMs)) == [1, 2, 3, 4])
        // A new one of a higher key does not stand before those that were dropped.
        table.update(51, Self.counts(1), nowMs: Self.nowMs)
        #expect(keys(table.top(4, in: .quarter, nowMs: Self.nowMs)) == [1, 2, 3, 4])
        table.update(0, Self.counts(1), nowMs: Self.nowMs)
        #expect(keys(table.top(4, in: .quarter, nowMs: Self.nowMs)) == [0, 1, 2, 3])
    }

    @Test func aDeletedTweetMakesNobodyElseWrong() {
        var table = Self.filled(capacity: 6, keys: 1...3)
        table.remove(3)
        #expect(keys(table.top(3, in: .week, nowMs: Self.nowMs)) == [2, 1])
        table.remove(99)
        #expect(keys(table.top(3, in: .week, nowMs: Self.nowMs)) == [2, 1])
    }

    @Test func theFloorSinksWhenItsBucketsLeaveTheWindow() {
        var table = Self.filled(keys: 1...100)
        let laterMs = Self.nowMs + 15 * Self.minute
        table.update(5, Self.counts(1, atMs: laterMs), nowMs: laterMs)
        #expect(keys(table.top(9, in: .quarter, nowMs: laterMs)) == [5])
        #expect(table.top(9, in: .hour, nowMs: laterMs) == nil)
    }

    /// A withdrawn like whose own like came to be counted in an older bucket: when the negative bucket leaves, the
    /// count rises without an update.
    @Test func aDroppedKeyMayRiseWhenANegativeBucketLeaves() {
        var odd = Self.counts(30)
        odd.add(-29, atMs: Self.nowMs - 10 * Self.minute)
        var table = TopTable<Int>(capacity: 4)
        let rows = [(1, odd)] + (2...30).map { ($0, Self.counts(20)) }
        table.refill(from: rows, nowMs: Self.nowMs)
        let laterMs = Self.nowMs + 5 * Self.minute
        #expect(table.top(1, in: .quarter, nowMs: laterMs).map { $0.entries.map(\.key) } ?? [1] == [1])
    }

    @Test func aClockThatGoesBackALittleIsWaitedForAndElseAllIsForgotten() {
        var table = Self.filled(keys: 1...3)
        let laterMs = Self.nowMs + 15 * Self.minute
        #expect(table.top(1, in: .quarter, nowMs: laterMs) == Top(entries: [], next: nil))
        #expect(table.top(1, in: .quarter, nowMs: laterMs - Self.minute) == Top(entries: [], next: nil))
        #expect(table.top(1, in: .quarter, nowMs: Self.nowMs) == nil)
    }

    @Test func memoryIsBounded() {
        var table = TopTable<Int>(capacity: 8)
        table.refill(from: [], nowMs: Self.nowMs)
        for key in 0..<2000 {
            let atMs = Self.nowMs + UInt64(key) * Self.minute
            table.update(key, Self.counts(Int64(key), atMs: atMs), nowMs: atMs)
            #expect(table.candidateCount <= 16)
        }
    }
}
