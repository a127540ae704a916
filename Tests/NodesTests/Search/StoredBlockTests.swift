import Cluster
import Messages
import Storage
import Synchronization
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

    private static func started(
        on store: MemoryStore, damaged: @escaping @Sendable (DamagedBlock) -> Void = { Issue.record($0) }
    ) throws -> PartitionIndex {
        try PartitionSearch(
            partition, store: store, segmentCapacity: PartitionIndex.defaultSegmentCapacity, damaged: damaged,
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

    /// What may have become of a row while nobody looked.
    enum Damage: CaseIterable {
        case lost, flipped, newer

        func done(to row: [UInt8]) -> [UInt8]? {
            switch self {
            case .lost: nil
            case .flipped: row.dropLast() + [row[row.count - 1] ^ 1]
            case .newer: PackedWriter(format: 9).sealed()
            }
        }
    }

    /// Of the second block: it and the third are made anew, the first is not touched, and somebody hears of it.
    @Test(arguments: [[], PackedBlock.directorySubkey], Damage.allCases)
    func aBlockThatCannotBeReadIsMadeAnew(subkey: [UInt8], damage: Damage) throws {
        let store = try Self.store(tweets: 7000)
        let first = try Self.started(on: store)
        let rows = try store.dump([.search])
        let key = Rows.searchBlock(first.blocks[1].minId, in: Self.partition).appending(subkey).bytes
        var effects = Effects()
        if let row = damage.done(to: try #require(try store.get(.search, key))) {
            effects.put(.search, key, row)
        } else {
            effects.delete(.search, key)
        }
        try store.write(effects, sync: false)
        let told = Mutex<[UInt64]>([])
        let second = try Self.started(on: store) { damage in told.withLock { $0.append(damage.minId) } }
        #expect(second.blocks == first.blocks && second.blocks.count == 3)
        #expect(try Self.found("common", in: second, store) == 7000)
        #expect(try store.dump([.search]) == rows)
        // A version that knew no directories left blocks without one: that is no damage.
        let isOld = damage == .lost && subkey == PackedBlock.directorySubkey
        #expect(told.withLock { $0 } == (isOld ? [] : [first.blocks[1].minId]))
    }
}
