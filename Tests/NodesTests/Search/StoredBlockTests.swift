import Cluster
import Messages
import Storage
import Testing

@testable import Nodes

/// Blocks in a store, and what a start makes of them.
@Suite struct StoredBlockTests {
    private static let partition = PartitionId(3)

    private static func store(tweets: Int) throws -> MemoryStore {
        let store = MemoryStore()
        var effects = Effects()
        for number in 0..<tweets {
            let id = Id(unixMs: Id.epochMs + UInt64(number), partition: partition, sequence: 0)
            let row = TweetRow.with {
                $0.id = id.rawValue
                $0.text = "common word\(number)"
                $0.author = "ada"
            }
            effects.put(.tweets, Rows.tweet(id), row.encode())
        }
        try store.write(effects, sync: false)
        return store
    }

    private static func started(on store: MemoryStore) throws -> PartitionIndex {
        try PartitionSearch(
            partition, store: store, segmentCapacity: PartitionIndex.defaultSegmentCapacity,
            fatal: { Issue.record("a block was not written: \($0)") }
        ).current()
    }

    private static func found(_ query: String, in index: PartitionIndex, _ store: MemoryStore) throws -> Int {
        let plan = SearchPlan(try SearchQuery(parsing: query))
        let stream = index.candidates(plan, source: SearchBlockRows(partition: partition, rows: store)) { _ in 0 }
        return try MergedSearch([stream], range: SearchPlan.allIds).page(limit: .max, budget: .max) { _ in true }
            .ids.count
    }

    @Test func aStartFindsTheBlocksThatAnEarlierOneStored() throws {
        let store = try Self.store(tweets: 5000)
        let first = try Self.started(on: store)
        #expect(first.blocks.map(\.count) == [2048, 2048])
        let rows = try store.dump([.search])
        let second = try Self.started(on: store)
        #expect(second.blocks == first.blocks)
        #expect(try store.dump([.search]) == rows)
        let counts = ["common": 5000, "word17": 1, "word4999": 1, "common word2047": 1, "word5000": 0]
        for (query, count) in counts {
            #expect(try Self.found(query, in: second, store) == count, "\(query)")
        }
    }

    /// As a version without directories wrote them: the block, and those behind it, are made anew from the tweets.
    @Test(arguments: [0, 1]) func aBlockWithoutADirectoryIsMadeAnew(place: Int) throws {
        let store = try Self.store(tweets: 5000)
        let first = try Self.started(on: store)
        let rows = try store.dump([.search])
        var effects = Effects()
        let block = Rows.searchBlock(first.blocks[place].minId, in: Self.partition)
        effects.delete(.search, block.appending(PackedBlock.directorySubkey).bytes)
        effects.put(.search, Rows.searchBlock(first.blocks[1].minId + 1, in: Self.partition).bytes, [1])
        try store.write(effects, sync: false)
        let second = try Self.started(on: store)
        #expect(second.blocks == first.blocks)
        #expect(try Self.found("common", in: second, store) == 5000)
        #expect(try store.dump([.search]) == rows)
    }
}
