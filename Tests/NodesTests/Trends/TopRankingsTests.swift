import Cluster
import Messages
import Storage
import Testing

@testable import Nodes

/// When a ranking reads all that is stored, and when it answers from memory.
@Suite struct TopRankingsTests {
    private static let partition = PartitionId(3)
    private static let nowMs: UInt64 = 1_780_315_200_000
    private static let uses = TopRankings.NameRanking(subject: .hashtags, region: nil)

    /// Counts how often everything is read.
    private final class CountingReader: Reader {
        private let store: any Reader
        private(set) var scans = 0

        init(_ store: any Reader) { self.store = store }

        func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? { try store.get(family, key) }

        func counter(_ family: Family, _ key: [UInt8]) throws -> Int64 { try store.counter(family, key) }

        func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] { try store.multiGet(family, keys) }

        func scan(
            _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
            _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
        ) throws {
            scans += 1
            try store.scan(family, from: from, to: to, reverse: reverse, body)
        }
    }

    private static func name(_ number: Int) -> String { "tag\(10_000 + number)" }

    private static func put(_ number: Int, uses: Int, _ effects: inout Effects) {
        let counts = WindowCounts(WindowedCount(total: Int64(uses)))
        let row = TagRow.with {
            $0.regions = [
                .with {
                    $0.region = "local"
                    $0.uses = counts
                }
            ]
        }
        effects.put(.tags, Rows.tag(name(number), in: partition), row.encode())
    }

    @Test func aLongListIsReadFromTheRowsOnce() throws {
        let store = MemoryStore()
        var effects = Effects()
        // More than a table holds that has grown.
        let count = 13 * 600
        for number in 0..<count { Self.put(number, uses: count - number, &effects) }
        try store.write(effects, sync: false)
        let rows = CountingReader(store)
        var rankings = TopRankings(
            partition: Self.partition, partitioning: try Partitioning(count: 8, regionNames: ["local"]), seed: 0)
        func names(_ k: Int) throws -> [String] {
            try rankings.top(Self.uses, k: k, window: .all, nowMs: Self.nowMs, rows).entries.map(\.key)
        }
        #expect(try names(10) == (0..<10).map(Self.name))
        #expect(try names(600) == (0..<600).map(Self.name) && rows.scans == 2)
        for k in [600, 10, 599] { #expect(try names(k) == (0..<k).map(Self.name)) }
        #expect(rows.scans == 2, "the table has grown with the question")
        // What is counted later is in it as well.
        effects = Effects()
        Self.put(count - 1, uses: 2 * count, &effects)
        try store.write(effects, sync: false)
        try rankings.tagChanged(Self.name(count - 1), rows, nowMs: Self.nowMs)
        #expect(try names(600) == [Self.name(count - 1)] + (0..<599).map(Self.name) && rows.scans == 2)
    }
}
