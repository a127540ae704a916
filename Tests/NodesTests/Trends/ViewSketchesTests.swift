import Cluster
import Messages
import Replication
import Sketches
import Storage
import Testing

@testable import Nodes

@Suite struct ViewSketchesTests {
    private static let partition = PartitionId(3)
    private static let nowMs: UInt64 = 1_780_315_200_000
    private static let tweet = Id(unixMs: nowMs, partition: partition, sequence: 1)

    private static func viewed(_ views: UInt64) -> Viewed {
        .with {
            $0.region = "local"
            $0.atMs = nowMs
            $0.tweets = [tweet.rawValue]
            $0.views = [views]
        }
    }

    /// Entries are told once more after what they did was read: their views are in the rows already.
    @Test func whatWasReadIsNotTakenAgain() throws {
        let store = MemoryStore()
        try store.apply(upTo: 5, in: Self.partition)
        var effects = Effects()
        effects.merge(.counts, Rows.views(of: Self.tweet).appending("local".utf8).bytes, delta: 10)
        try store.write(effects, sync: false)
        let rows = store.snapshot()
        var sketches = try ViewSketches(partition: Self.partition, rows: rows, seed: 1, nowMs: Self.nowMs)
        func views() -> [UInt64] {
            sketches.top(10, region: "local", window: .all, nowMs: Self.nowMs).counters.map(\.estimate)
        }
        #expect(views() == [10])
        sketches.take(Self.viewed(3), index: 4, nowMs: Self.nowMs)
        sketches.take(Self.viewed(3), index: 5, nowMs: Self.nowMs)
        #expect(views() == [10])
        sketches.take(Self.viewed(3), index: 6, nowMs: Self.nowMs)
        #expect(views() == [13])
    }
}
