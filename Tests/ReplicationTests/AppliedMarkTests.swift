import Cluster
import Messages
import Replication
import Storage
import Testing

/// How a store tells what was applied, with no row of its own for that (docs/decisions/0016).
@Suite struct AppliedMarkTests {
    private static func request(_ number: UInt64) -> RequestId { RequestId(timeMs: TestClock.noonMs, random: number) }

    /// A change behind everybody's back.
    private static func change(_ store: any Store, _ build: (inout Effects) -> Void) throws {
        var effects = Effects()
        build(&effects)
        try store.write(effects, sync: true)
    }

    /// The store of a partition that counted on rows 1 to `count`, one entry a row, as a crash leaves it: with the
    /// figures of its start.
    private static func crashed(after count: UInt64) async throws -> MemoryStore {
        let store = MemoryStore()
        let figures = try await withPartition(over: store) { partition in
            let figures = try #require(try store.get(.meta, ReplicationKeys.meta(.home)))
            for row in 1...count { _ = try await partition.execute(.count(row, request: request(row))) }
            return figures
        }
        try change(store) { $0.put(.meta, ReplicationKeys.meta(.home), figures) }
        return store
    }

    @Test(arguments: World.allCases) func onlyAnEntryWithoutRequestsWritesTheFigures(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        try await withPartition(over: store) { partition in
            let own = try await partition.execute(.count(1))
            #expect(try Rows.meta(store)?.appliedIndex == own.index)
            let before = store.snapshot()
            let remembered = try await partition.execute(.count(1, request: Self.request(1)))
            #expect(try Rows.meta(store)?.appliedIndex == own.index)
            // A snapshot shows its own moment, whatever was applied since.
            for rows in [before, store.snapshot()] {
                let counted = try UInt64(rows.counter(.counts, Rows.key(1)))
                #expect(try PartitionMeta.read(of: .home, in: rows).appliedIndex == own.index + counted - 1)
            }
            #expect(try PartitionMeta.read(of: .home, in: store.snapshot()).appliedIndex == remembered.index)
        }
    }

    /// So that nobody has to step along a long log.
    @Test func theFiguresAreNeverFarBehind() async throws {
        let store = MemoryStore()
        let last = try await withPartition(over: store) { partition in
            var last: UInt64 = 0
            for row in UInt64(1)...200 {
                last = try await partition.execute(.make(1, request: Self.request(row))).index
                #expect(try last - #require(try Rows.meta(store)).appliedIndex <= 64)
            }
            return last
        }
        // And an orderly stop leaves them exact, so that the next start sees whether the log lost its end.
        let meta = try #require(try Rows.meta(store))
        #expect(meta.appliedIndex == last)
        #expect(try meta.highestId == Rows.log(store).map(\.highestId).max())
    }

    @Test func whatACrashLeftIsNotAppliedAgain() async throws {
        let store = try await Self.crashed(after: 40)
        try await withPartition(over: store, epoch: 2) { _ in }
        for row in UInt64(1)...40 { #expect(try store.counter(.counts, Rows.key(row)) == 1) }
    }

    /// What is forgotten was a mark: the entry that forgets must be one for all before it, also when what it remembers
    /// itself would do for it alone. The power goes at every point of it.
    @Test func whatWasForgottenIsNotAppliedAgain() async throws {
        let store = ForgetfulStore()
        try await withPartition(over: store) { partition in
            for row in UInt64(1)...5 { _ = try await partition.execute(.count(row, request: Self.request(row))) }
            let forget = Command(requestId: Self.request(6), latches: []) { evaluation in
                for row in UInt64(1)...4 {
                    evaluation.rows.delete(.requests, ReplicationKeys.request(.home, Self.request(row)))
                }
                try evaluation.rows.merge(.counts, Rows.key(6), delta: 1)
                return []
            }
            let index = try await partition.execute(forget).index
            #expect(try Rows.meta(store)?.appliedIndex == index)
            for row in UInt64(7)...9 { _ = try await partition.execute(.count(row, request: Self.request(row))) }
        }
        #expect(try store.rows(.requests).count == 5)
        for kept in 0...store.writeCount {
            let left = try store.afterPowerLoss(keeping: kept)
            try await withPartition(over: left, epoch: 2) { _ in }
            let logged = try Rows.log(left).flatMap(\.requests).count
            let counts = try (UInt64(1)...9).map { try left.counter(.counts, Rows.key($0)) }
            let expected = (1...9).map { Int64($0 <= logged ? 1 : 0) }
            #expect(counts == expected, "after \(kept) writes")
        }
    }

    /// A mark is the entry's own: an answer to the same request by an earlier entry says nothing of a later one.
    @Test func anotherEntrysAnswerIsNoMark() async throws {
        let store = try await Self.crashed(after: 3)
        var later = try #require(try Rows.log(store).last)
        later.index += 1
        try store.write(.appending(later), sync: true)
        try await withPartition(over: store, epoch: 2) { _ in }
        #expect(try store.counter(.counts, Rows.key(3)) == 2)
    }

    /// After a crash the figures do not know of the last entries, but their answers do.
    @Test func aLogThatLostItsEndIsNotServedOver() async throws {
        let store = try await Self.crashed(after: 3)
        let last = try #require(try Rows.log(store).last).index
        try Self.change(store) { $0.delete(.log, ReplicationKeys.log(.home, index: last)) }
        try await Self.expectCorrupt(store, "the log ends at \(last - 1), and entry \(last) was answered")
    }

    /// Ids, too, are above what was given out, however little of it the stored figures know (rule A2).
    @Test func idsAreAboveThoseOfEntriesThatWroteNoFigures() async throws {
        let (store, clock) = (MemoryStore(), TestClock())
        let given = try await withPartition(over: store, clock: clock) { partition in
            let figures = try #require(try store.get(.meta, ReplicationKeys.meta(.home)))
            let ids = try await partition.execute(.make(3, request: Self.request(1))).ids
            return (ids: ids, figures: figures)
        }
        try Self.change(store) { $0.put(.meta, ReplicationKeys.meta(.home), given.figures) }
        clock.advance(byMs: -200)
        try await withPartition(over: store, epoch: 2, clock: clock) { partition in
            let next = try await partition.execute(.make(1)).ids
            #expect(next[0] > given.ids[2])
        }
    }

    private static func expectCorrupt(_ store: MemoryStore, _ what: String) async throws {
        let before = try store.dump()
        await #expect(throws: ReplicationError.corrupt(partition: .home, what: what)) {
            try await withPartition(over: store, epoch: 2) { _ in }
        }
        #expect(try store.dump() == before)
    }

    @Test func aMarkThatIsLostIsNotServedOver() async throws {
        // Applied in part: an entry of two requests, and one answer is gone.
        var store = try await Self.crashed(after: 3)
        var shared = try #require(try Rows.log(store).last)
        shared.requests.append(.with { $0.requestId = Self.request(9).bytes })
        let entry = shared
        try store.write(.appending(entry), sync: true)
        try await Self.expectCorrupt(store, "1 of 2 answers of log entry \(entry.index)")
        // Applied out of order: the answer of an earlier entry is gone.
        store = try await Self.crashed(after: 3)
        try Self.change(store) { $0.delete(.requests, ReplicationKeys.request(.home, Self.request(2))) }
        let gone = try #require(try Rows.log(store).dropLast().last).index
        try await Self.expectCorrupt(store, "log entry \(gone + 1) was applied, and entry \(gone) before it was not")
    }
}
