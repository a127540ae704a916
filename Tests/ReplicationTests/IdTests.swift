import Cluster
import Dispatch
import Replication
import Storage
import Testing

/// Ids only ever grow (rules A1, A2).
@Suite struct IdTests {
    @Test(arguments: World.allCases) func idsGrowAcrossRestartsAndAClockThatIsSetBack(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        let clock = TestClock()
        // The log keeps nothing, so the high-water mark must be stored apart from it.
        var settings = Partition.Settings()
        settings.keepEntries = 0
        var ids: [UInt64] = []
        for epoch in UInt64(1)...5 {
            ids += try await withPartition(over: store, epoch: epoch, clock: clock, settings: settings) { partition in
                var made: [UInt64] = []
                for _ in 0..<30 { made += try await partition.execute(.make(3)).ids }
                return made
            }
            clock.advance(byMs: -150)
        }
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
        #expect(ids.allSatisfy { Id(rawValue: $0).partition == .home })
        #expect(try Rows.meta(store)?.highestId == ids.last)
    }

    @Test func idsWaitForAClockThatWasSetBackTooFar() async throws {
        let (store, clock) = (MemoryStore(), TestClock())
        try await withPartition(over: store, clock: clock) { partition in
            let first = try await partition.execute(.make(1)).ids
            clock.advance(byMs: -5000)
            let before = try store.dump()
            await #expect(throws: ReplicationError.clockBehind(partition: .home)) {
                try await partition.execute(.make(1))
            }
            #expect(try store.dump() == before)
            clock.advance(byMs: 5000)
            let next = try await partition.execute(.make(1)).ids
            #expect(first[0] < next[0])
        }
    }

    @Test func anIdIsAboveWhatTheCommandNames() async throws {
        let clock = TestClock()
        try await withPartition(over: MemoryStore(), clock: clock) { partition in
            let parent = Id(unixMs: clock.nowMs() + 700, partition: PartitionId(9000), sequence: 255)
            let reply = try await partition.execute(.make(1, above: parent.rawValue)).ids
            #expect(reply[0] > parent.rawValue)
            // The next one needs no parent to be above it.
            #expect(try await partition.execute(.make(1)).ids[0] > reply[0])
            let unlikely = Id(unixMs: clock.nowMs() + 60_000, partition: .home, sequence: 0)
            await #expect(throws: ReplicationError.clockBehind(partition: .home)) {
                try await partition.execute(.make(1, above: unlikely.rawValue))
            }
        }
    }

    /// Or a reader who goes on above the last id it saw would miss the one that came late.
    @Test func idsAscendInTheLogWhoeverIsEvaluatedFirst() async throws {
        let store = MemoryStore()
        var settings = Partition.Settings()
        settings.maxEntryBytes = 1  // one command an entry
        try await withPartition(over: store, settings: settings) { partition in
            let overtaken = DispatchSemaphore(value: 0)
            let drawn = Counter()
            let slow = Command(requestId: nil, latches: [], newIds: 1) { evaluation in
                drawn.add()
                overtaken.wait()
                evaluation.rows.put(.tweets, Rows.key(evaluation.ids[0].rawValue), [])
                return []
            }
            let nothing = Command(requestId: nil, latches: [], newIds: 1) { _ in throw Refusal() }
            async let first = partition.execute(slow)
            await drawn.reach(1)
            let second = Task { try await partition.execute(.make(1)) }
            await #expect(throws: Refusal.self) { try await partition.execute(nothing) }
            _ = try await partition.execute(.count(7))  // needs no id, so it waits for nobody
            overtaken.signal()
            _ = try await (first, second.value)
            let ids = try Rows.log(store).map(\.highestId).filter { $0 != 0 }
            #expect(ids.count == 2 && ids == ids.sorted())
        }
    }

    @Test func idsOfCommandsAtOnceAreAllDifferent() async throws {
        let clock = TestClock()
        let ids = try await withPartition(over: MemoryStore(), clock: clock) { partition in
            try await withThrowingTaskGroup(of: [UInt64].self) { group in
                for _ in 0..<200 { group.addTask { try await partition.execute(.make(2)).ids } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
        }
        #expect(Set(ids).count == 400)
    }
}
