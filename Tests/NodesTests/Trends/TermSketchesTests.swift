import Cluster
import Messages
import Replication
import Sketches
import Storage
import Testing

@testable import Nodes

@Suite struct TermSketchesTests {
    private static let partition = PartitionId(3)
    private static let nowMs: UInt64 = 1_780_315_200_000

    private static func row(_ sequence: UInt8, _ text: String, isCounted: Bool = true) -> TweetRow {
        .with {
            $0.id = Id(unixMs: nowMs, partition: partition, sequence: sequence).rawValue
            $0.text = text
            $0.isCounted = isCounted
        }
    }

    private static func store(_ rows: [TweetRow], appliedIndex: UInt64) throws -> MemoryStore {
        let store = MemoryStore()
        try store.apply(upTo: appliedIndex, in: partition)
        var effects = Effects()
        for row in rows { effects.put(.tweets, Rows.tweet(Id(rawValue: row.id)), row.encode()) }
        try store.write(effects, sync: false)
        return store
    }

    private static func counts(_ sketches: TermSketches, _ window: Nodes.TopWindow) -> [String] {
        let merged = MergedCounters(sketches.sketches(in: window, nowMs: nowMs), keeping: 10)
        return merged.counters.map { "\($0.key) \($0.estimate)" }
    }

    /// Entries are told once more after what they did was read: their rows, or what is left of them, are there already.
    @Test func whatWasReadIsNotTakenAgain() throws {
        let (first, second) = (Self.row(1, "rook jay"), Self.row(2, "rook"))
        let store = try Self.store([first], appliedIndex: 5)
        var sketches = try TermSketches(partition: Self.partition, rows: store.snapshot(), seed: 1, nowMs: Self.nowMs)
        func take(_ row: TweetRow, isErased: Bool, _ index: UInt64) throws {
            let change = TermSketches.Change(row: row.encode(), isErased: isErased, index: index)
            try sketches.take(change, nowMs: Self.nowMs)
        }
        try take(Self.row(0, "crow"), isErased: false, 4)
        try take(Self.row(0, "crow"), isErased: true, 5)
        try take(first, isErased: false, 5)
        #expect(Self.counts(sketches, .quarter) == ["jay 1", "rook 1"])
        try take(second, isErased: false, 6)
        try take(first, isErased: true, 7)
        for window in Nodes.TopWindow.allCases { #expect(Self.counts(sketches, window) == ["rook 1"]) }
    }

    @Test func onlyWhatIsPublicAndThereCounts() throws {
        var gone = Self.row(1, "")
        gone.deleted = true
        let store = try Self.store([gone, Self.row(2, "jay", isCounted: false), Self.row(3, "rook")], appliedIndex: 5)
        let sketches = try TermSketches(partition: Self.partition, rows: store.snapshot(), seed: 1, nowMs: Self.nowMs)
        #expect(Self.counts(sketches, .all) == ["rook 1"])
    }

    /// Who knew how words are hashed could choose some that disturb others' counts. What is merged must agree on it.
    @Test func sketchesAreSeededWithTheNodesChance() throws {
        let store = try Self.store([Self.row(1, "rook")], appliedIndex: 1)
        let partitioning = try Partitioning(count: 8, regionNames: ["local"])
        let home = TopHome(partition: Self.partition, partitioning: partitioning, seed: 77)
        for window in Nodes.TopWindow.allCases {
            let seeds = try home.ask(store, nowMs: Self.nowMs) { rankings, rows in
                try rankings.termSketches(in: window, nowMs: Self.nowMs, rows).map(\.seed)
            }
            #expect(seeds == [77], "\(window)")
        }
    }
}
