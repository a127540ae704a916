import Cluster
import Messages
import Replication
import Storage
import Synchronization
import Testing

@testable import Nodes

/// One partition's index over its stored rows.
@Suite struct PartitionSearchTests {
    private let place = PartitionId(3)
    private let store = ForgetfulStore()

    private func id(_ number: Int) -> Id {
        Id(unixMs: Id.epochMs + UInt64(number), partition: place, sequence: 0)
    }

    /// - Returns: as the log has it.
    @discardableResult
    private func post(_ numbers: Range<Int>) throws -> LogEntry {
        var effects = Effects()
        for number in numbers {
            let row = TweetRow.with { ($0.id, $0.text) = (id(number).rawValue, "rook") }
            effects.put(.tweets, Rows.tweet(id(number)), row.encode())
        }
        try store.write(effects, sync: true)
        return .with { $0.effects = effects.encode() }
    }

    private func search(
        damaged: @escaping @Sendable (DamagedBlock) -> Void = { Issue.record($0) },
        fatal: @escaping @Sendable (any Error) -> Void = { Issue.record($0) }
    ) -> PartitionSearch {
        PartitionSearch(place, store: store, segmentCapacity: 8, damaged: damaged, fatal: fatal)
    }

    private func found(by index: PartitionIndex) throws -> [UInt64] {
        let source = SearchBlockRows(partition: place, rows: store)
        let stream = index.candidates(
            SearchPlan(try SearchQuery(parsing: "rook")), source: source, likes: { _ in 0 })
        return try MergedSearch([stream], range: SearchPlan.allIds).page(limit: 100, budget: .max) { _ in true }.ids
    }

    /// The rows below the newest block are not read again: with them gone, the blocks still have their tweets.
    @Test func aStartReadsTheBlocksAndOnlyTheRowsAboveThem() throws {
        try post(1..<21)
        #expect(try search().current().blocks.map(\.count) == [8, 8])
        var effects = Effects()
        for number in 1..<17 { effects.delete(.tweets, Rows.tweet(id(number))) }
        try store.write(effects, sync: true)
        let index = try search().current()
        #expect(index.blocks.map(\.maxId) == [id(8).rawValue, id(16).rawValue])
        #expect(try found(by: index) == (1..<21).reversed().map { id($0).rawValue })
    }

    /// Nobody can index what lies behind a tweet that cannot be read; it must not be kept for ever meanwhile.
    @Test func aPartitionThatCannotBeLoadedKeepsNoTweets() throws {
        var effects = Effects()
        effects.put(.tweets, Rows.tweet(id(0)), [0xff])
        try store.write(effects, sync: true)
        let search = search()
        for round in 0..<3 {
            let first = 1 + round * PartitionSearch.takenAt
            let asksForCatchUp = try search.applied(try post(first..<first + PartitionSearch.takenAt))
            #expect(asksForCatchUp, "in round \(round) the inbox is not full, or nobody is to take it")
            #expect(throws: (any Error).self) { try search.catchUp() }
        }
        // With the row mended, everything is there.
        var mending = Effects()
        mending.delete(.tweets, Rows.tweet(id(0)))
        try store.write(mending, sync: true)
        #expect(try found(by: search.current()).first == id(3 * PartitionSearch.takenAt).rawValue)
    }

    /// Two questions find the same damage; the second one must not remove what the first had made anew.
    @Test func aBlockIsGivenUpOnce() throws {
        let damages = Mutex<[DamagedBlock]>([])
        let search = search(damaged: { damage in damages.withLock { $0.append(damage) } })
        try post(1..<21)
        let asked = try search.current()
        let damage = DamagedBlock(minId: id(9).rawValue, reason: .damaged("a chunk is missing"))
        try search.giveUp(damage, of: asked)
        #expect(try store.rows(.search).count == asked.blocks[0].directory.firstTerms.count + 2)
        let mended = try search.current()
        try search.giveUp(damage, of: asked)
        #expect(damages.withLock { $0 } == [damage])
        #expect(try search.current().loadedAs === mended.loadedAs)
        #expect(try mended.blocks == asked.blocks && found(by: mended) == found(by: asked))
    }

    /// rule C9: a write that failed ends the process. What only the question is about does not.
    @Test func aFailedWriteIsFatalAndADamagedRowIsNot() throws {
        let failures = Mutex<[String]>([])
        let fatal: @Sendable (any Error) -> Void = { error in failures.withLock { $0.append("\(error)") } }
        try post(1..<10)
        store.failsOnBlocks.store(true, ordering: .relaxed)
        let failure = StorageError.io("the disk is broken")
        #expect(throws: failure) { try search(fatal: fatal).current() }
        #expect(failures.withLock { $0 } == ["\(failure)"])

        store.failsOnBlocks.store(false, ordering: .relaxed)
        #expect(try search().current().blocks.count == 1)
        var effects = Effects()
        effects.put(.tweets, Rows.tweet(id(9)), [0xff])
        try store.write(effects, sync: true)
        #expect(throws: (any Error).self) { try search(fatal: fatal).current() }
        #expect(failures.withLock { $0 }.count == 1)
    }
}
