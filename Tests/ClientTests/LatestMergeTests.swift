import Cluster
import Messages
import Testing

@testable import Client

/// How answers of several owners become one page, and where the next page begins.
@Suite struct LatestMergeTests {
    /// - Parameter examinedTo: nil when there is nothing more.
    private static func reply(_ ids: [UInt64], of partition: UInt32, examinedTo: UInt64?) -> SearchReply {
        .with {
            $0.hits = ids.map { id in .with { $0.id = id } }
            ($0.exhausted, $0.examinedTo) = (examinedTo == nil, examinedTo ?? 0)
            $0.cover = [.with { $0.partition = partition }]
        }
    }

    @Test func whoStandsHighestIsAskedUntilThePageIsFull() {
        var merge = LatestMerge(limit: 3)
        merge.take(Self.reply([90, 80], of: 1, examinedTo: 70))
        merge.take(Self.reply([60, 50, 40], of: 2, examinedTo: nil))
        #expect(merge.mustAsk == [PartitionId(1): 70])
        merge.take(Self.reply([65, 55], of: 1, examinedTo: nil))
        #expect(merge.mustAsk.isEmpty)
        #expect(merge.page.ids == [90, 80, 65] && merge.page.next == 65)
    }

    /// Its older hits are among the others' ones: so the page ends before they can be missed.
    @Test func thePageEndsWhereAnOwnerHadComeToThatFails() {
        var merge = LatestMerge(limit: 5)
        merge.take(Self.reply([90, 80], of: 1, examinedTo: 70))
        merge.take(Self.reply([85, 60], of: 2, examinedTo: nil))
        merge.giveUp(PartitionId(1))
        #expect(merge.mustAsk.isEmpty)
        #expect(merge.page.ids == [90, 85, 80] && merge.page.next == 70)
        // Still away.
        var next = LatestMerge(limit: 5)
        next.take(Self.reply([60], of: 2, examinedTo: nil))
        next.giveUp(PartitionId(1))
        #expect(next.page.ids == [60] && next.page.next == 60)
        // Back again, or not.
        for isBack in [true, false] {
            var last = LatestMerge(limit: 5)
            last.take(Self.reply([], of: 2, examinedTo: nil))
            if isBack { last.take(Self.reply([50], of: 1, examinedTo: nil)) } else { last.giveUp(PartitionId(1)) }
            #expect(last.page.ids == (isBack ? [50] : []) && last.page.next == nil)
        }
    }

    @Test func nobodyIsAskedBelowAnOwnerThatFailed() {
        var merge = LatestMerge(limit: 5)
        merge.take(Self.reply([], of: 1, examinedTo: 70))
        merge.take(Self.reply([90], of: 2, examinedTo: 80))
        #expect(merge.mustAsk == [PartitionId(2): 80])
        merge.giveUp(PartitionId(1))
        #expect(merge.mustAsk == [PartitionId(2): 80])
        merge.take(Self.reply([75], of: 2, examinedTo: 60))
        #expect(merge.mustAsk.isEmpty)
        #expect(merge.page.ids == [90, 75] && merge.page.next == 70)
    }
}
