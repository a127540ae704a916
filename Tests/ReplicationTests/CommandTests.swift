import Cluster
import Messages
import Replication
import Storage
import Testing

/// What a command may rely on: rules B2, B3 and B6, in both worlds.
@Suite struct CommandTests {
    private static let day: Int64 = 24 * 3600 * 1000

    @Test(arguments: World.allCases) func whatIsAnsweredIsThereToRead(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        try await withPartition(over: store) { partition in
            for turn in Int64(1)...20 {
                let outcome = try await partition.execute(.increment(7))
                #expect(try outcome.number == turn)
                #expect(try store.counter(.reactions, Rows.key(7)) == turn)
                #expect(try Rows.meta(store)?.appliedIndex == outcome.index)
                #expect(try Rows.log(store).last?.index == outcome.index)
            }
        }
    }

    @Test(arguments: World.allCases) func aRefusedCommandLeavesNoTrace(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        let clock = TestClock()
        try await withPartition(over: store, clock: clock) { partition in
            _ = try await partition.execute(.increment(7))
            let before = try store.dump()
            let request = RequestId(timeMs: clock.nowMs(), random: 1)
            let refused = Command(requestId: request, latches: [.write(1, 7)], newIds: 3) { evaluation in
                evaluation.rows.put(.reactions, Rows.key(7), CounterValue.encode(99))
                try evaluation.rows.merge(.counts, Rows.key(7), delta: 1)
                evaluation.tell(PartitionId(2), .eventCounted, Counted())
                throw Refusal()
            }
            await #expect(throws: Refusal.self) { try await partition.execute(refused) }
            #expect(try store.dump() == before)
            #expect(await partition.waitingDestinations() == [])
            // A refusal is not remembered, and its latches are free: the same id may try again.
            let outcome = try await partition.execute(.increment(7, request: request))
            #expect(try outcome.number == 2 && !outcome.wasRemembered)
        }
    }

    @Test(arguments: World.allCases) func theSameRequestHasOneEffectAndOneAnswer(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        let request = RequestId(timeMs: TestClock.noonMs, random: 5)
        try await withPartition(over: store, epoch: 1) { partition in
            let first = try await partition.execute(.increment(7, request: request))
            let again = try await partition.execute(.increment(7, request: request))
            #expect(again.answer == first.answer && again.index == first.index && again.wasRemembered)
            let asked = try await partition.remembered(request)
            #expect(asked?.answer == first.answer)
        }
        // And so after a restart, with whatever epoch the keeper gives.
        try await withPartition(over: store, epoch: 5) { partition in
            let again = try await partition.execute(.increment(7, request: request))
            #expect(try again.number == 1 && again.wasRemembered)
            let next = try await partition.execute(.increment(7))
            #expect(try next.number == 2)
        }
    }

    @Test(arguments: World.allCases) func aHundredOfTheSameRequestAtOnceAreOne(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        let request = RequestId(timeMs: TestClock.noonMs, random: 5)
        // A command without a latch of its own: the request id's is all that keeps them apart.
        let outcomes = try await withPartition(over: store) { partition in
            try await withThrowingTaskGroup(of: Outcome.self) { group in
                for _ in 0..<100 { group.addTask { try await partition.execute(.count(7, request: request)) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(Set(outcomes.map(\.answer)).count == 1)
        #expect(outcomes.filter { !$0.wasRemembered }.count == 1)
        #expect(try store.counter(.counts, Rows.key(7)) == 1)
    }

    @Test func aRequestIdIsGoodForADayAndNoLonger() async throws {
        let (store, clock) = (MemoryStore(), TestClock())
        try await withPartition(over: store, clock: clock) { partition in
            let request = RequestId(timeMs: clock.nowMs(), random: 5)
            _ = try await partition.execute(.increment(7, request: request))
            clock.advance(byMs: Self.day - 1)
            #expect(try await partition.execute(.increment(7, request: request)).wasRemembered)
            clock.advance(byMs: 1)
            let before = try store.dump()
            await #expect(throws: ReplicationError.requestExpired) {
                try await partition.execute(.increment(7, request: request))
            }
            await #expect(throws: ReplicationError.requestExpired) { try await partition.remembered(request) }
            for ahead in [UInt64(3_600_000), UInt64.max / 2, .max - 1 - clock.nowMs()] {
                let early = RequestId(timeMs: clock.nowMs() + ahead, random: 6)
                await #expect(throws: ReplicationError.requestFromFuture) {
                    try await partition.execute(.increment(7, request: early))
                }
            }
            #expect(try store.dump() == before)
        }
    }

    @Test func oldAnswersAreForgottenAndPermanentOnesStay() async throws {
        let (store, clock) = (MemoryStore(), TestClock())
        let permanent = RequestId.permanent(hash: 1, 2)
        try await withPartition(over: store, clock: clock) { partition in
            let old = RequestId(timeMs: clock.nowMs(), random: 1)
            _ = try await partition.execute(.increment(7, request: old))
            _ = try await partition.execute(.increment(7, request: permanent))
            clock.advance(byMs: Self.day)
            let young = RequestId(timeMs: clock.nowMs(), random: 2)
            _ = try await partition.execute(.increment(7, request: young))
            clock.advance(byMs: Self.day / 2)
            try await partition.forgetOldRequests()
            let left = try store.rows(.requests).map(\.key)
            #expect(left == [young, permanent].map { ReplicationKeys.request(.home, $0) })
            #expect(try await partition.execute(.increment(7, request: permanent)).number == 2)
        }
    }

    /// A busy day leaves more than one entry can hold; all of them go, or they would pile up.
    @Test func howeverManyOldAnswersThereAreTheyAreForgotten() async throws {
        let (store, clock) = (MemoryStore(), TestClock())
        try await withPartition(over: store, clock: clock) { partition in
            var effects = Effects()
            for random in UInt64(0)..<11_000 {
                let old = RequestId(timeMs: clock.nowMs(), random: random)
                effects.put(.requests, ReplicationKeys.request(.home, old), RememberedRow().encode())
            }
            try store.write(effects, sync: true)
            clock.advance(byMs: 2 * Self.day)
            try await partition.forgetOldRequests()
            #expect(try store.rows(.requests).isEmpty)
        }
    }

    @Test(arguments: World.allCases) func readModifyWritesOfOneRowLoseNothing(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        let answers = try await withPartition(over: store) { partition in
            try await withThrowingTaskGroup(of: (UInt64, Int64).self) { group in
                for turn in UInt64(0)..<300 {
                    group.addTask { (turn % 3, try await partition.execute(.increment(turn % 3)).number) }
                }
                return try await group.reduce(into: [UInt64: Set<Int64>]()) { $0[$1.0, default: []].insert($1.1) }
            }
        }
        for row in UInt64(0)..<3 {
            #expect(answers[row] == Set(1...100))
            #expect(try store.counter(.reactions, Rows.key(row)) == 100)
        }
    }

    @Test func tooManyWhoWaitAreTurnedAway() async throws {
        var settings = Partition.Settings()
        settings.maxWaiting = 0
        try await withPartition(over: MemoryStore(), settings: settings) { partition in
            await #expect(throws: ReplicationError.overloaded(partition: .home)) {
                try await partition.execute(.increment(1))
            }
        }
    }
}
