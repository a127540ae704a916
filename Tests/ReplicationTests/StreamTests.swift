import Cluster
import Messages
import NIOCore
import Replication
import Storage
import Testing

/// A partition's two ends of a stream, without a network (rules D1, D4).
@Suite struct StreamTests {
    private static let source = PartitionId(9)
    private static let other = PartitionId(8)

    @Test(arguments: World.allCases) func aBatchIsTakenOnceAndTheCursorSaysSo(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        try await withPartition(over: store, epoch: 1) { partition in
            let first = try await partition.receive([.told(by: Self.source, from: 0, to: 3)])
            #expect(first[0].taken && first[0].index == 3 && first[0].incarnation == 1)
            let again = try await partition.receive([.told(by: Self.source, from: 0, to: 3)])
            #expect(!again[0].taken && again[0].index == 3)
            let beyond = try await partition.receive([.told(by: Self.source, from: 5, to: 6)])
            #expect(!beyond[0].taken && beyond[0].index == 3)
        }
        try await withPartition(over: store, epoch: 2) { partition in
            let both = try await partition.receive([
                .told(by: Self.source, from: 0, to: 3), .told(by: Self.source, from: 3, to: 5),
            ])
            #expect(both.map(\.taken) == [false, true] && both.map(\.index) == [3, 5])
        }
        #expect(try Rows.heard(store, at: .home, from: Self.source) == [1, 2, 3, 4, 5])
    }

    @Test func anotherLifeOfTheSourceIsNotTaken() async throws {
        let store = MemoryStore()
        try await withPartition(over: store) { partition in
            _ = try await partition.receive([.told(by: Self.source, from: 0, to: 3)])
            var restored = StreamBatch.told(by: Self.source, from: 3, to: 4)
            restored.incarnation = 2
            let cursor = try await partition.receive([restored])[0]
            #expect(!cursor.taken && cursor.incarnation == 1 && cursor.index == 3)
        }
        #expect(try Rows.heard(store, at: .home, from: Self.source) == [1, 2, 3])
    }

    /// Cut down to 16 bits these numbers would be other partitions', and their cursors would move.
    @Test func whatIsForAnotherPartitionIsNotTaken() async throws {
        let store = MemoryStore()
        let wrong = [(9, 2), (9, 1 + 1 << 16), (9 + 1 << 16, 1)] as [(UInt32, UInt32)]
        try await withPartition(over: store) { partition in
            let before = try store.dump()
            for (source, destination) in wrong {
                var batch = StreamBatch.told(by: Self.source, from: 0, to: 3)
                (batch.source, batch.destination) = (source, destination)
                let cursors = try await partition.receive([batch])
                #expect(cursors.map(\.notOwner) == [true] && cursors.map(\.destination) == [destination])
                #expect(try store.dump() == before)
            }
            // It does not keep out who comes with it.
            var batch = StreamBatch.told(by: Self.source, from: 0, to: 3)
            batch.destination = 2
            let both = try await partition.receive([batch, .told(by: Self.other, from: 0, to: 1)])
            #expect(both.count == 2 && both.filter(\.taken).map(\.source) == [UInt32(Self.other.rawValue)])
        }
    }

    /// What nobody has taken says nothing of the source: neither its life nor a place in it.
    @Test func aBatchThatIsNotTakenTeachesNothing() async throws {
        let store = MemoryStore()
        try await withPartition(over: store) { partition in
            var strange = StreamBatch.told(by: Self.source, from: 0, to: 3)
            strange.incarnation = 0
            #expect(try await partition.receive([strange]).map(\.taken) == [false])
            (strange.incarnation, strange.probe) = (7, true)
            let cursor = try await partition.receive([strange])[0]
            #expect(!cursor.taken && cursor.incarnation == 0 && cursor.index == 0)
            await #expect(throws: ReplicationError.notCaughtUp(partition: .home)) {
                try await partition.waitFor(Self.source, incarnation: 1, index: 1, deadline: .now())
            }
            let taken = try await partition.receive([.told(by: Self.source, from: 0, to: 3)])
            #expect(taken.map(\.taken) == [true] && taken[0].incarnation == 1)
        }
        #expect(try Rows.heard(store, at: .home, from: Self.source) == [1, 2, 3])
    }

    @Test func whatCannotBeTakenDoesNotKeepOutWhatComesWithIt() async throws {
        let store = MemoryStore()
        try await withPartition(over: store) { partition in
            var poison = StreamBatch.told(by: Self.source, from: 0, to: 1)
            poison.events[0].body = Counted.with { $0.tweetId = Tally.poison }.encode()
            let cursors = try await partition.receive([poison, .told(by: Self.other, from: 0, to: 2)])
            #expect(cursors.map(\.source) == [UInt32(Self.other.rawValue)] && cursors[0].index == 2)
        }
        #expect(try Rows.heard(store, at: .home, from: Self.other) == [1, 2])
        #expect(try Rows.heard(store, at: .home, from: Self.source) == [])
    }

    @Test func whatCannotBeTakenHoldsNobodyElseUp() async throws {
        let store = MemoryStore()
        try await withPartition(over: store) { partition in
            await withTaskGroup(of: Void.self) { group in
                for source in UInt16(10)..<30 {
                    group.addTask {
                        var batch = StreamBatch.told(by: PartitionId(source), from: 0, to: 2)
                        guard source % 5 == 0 else {
                            await #expect(throws: Never.self) { try await partition.receive([batch]) }
                            return
                        }
                        batch.events[1].body = Counted.with { $0.tweetId = Tally.poison }.encode()
                        await #expect(throws: Refusal.self) { try await partition.receive([batch]) }
                    }
                }
            }
        }
        for source in UInt16(10)..<30 {
            // Half a batch is never taken.
            let heard: [UInt64] = source % 5 == 0 ? [] : [1, 2]
            #expect(try Rows.heard(store, at: .home, from: PartitionId(source)) == heard)
        }
    }

    /// Everything for `destination`, answered as a faithful receiver would.
    private static func drain(_ partition: Partition, to destination: PartitionId) async -> [UInt64] {
        var (heard, cursor) = ([UInt64](), UInt64(0))
        while let batch = await partition.nextBatches(to: [destination], maxBytes: 50, budget: 1000).batches.first {
            if !batch.probe, batch.from == cursor {
                heard += batch.events.map(\.index)
                cursor = batch.to
            }
            await partition.answered([
                .with {
                    $0.source = batch.source
                    $0.destination = batch.destination
                    $0.incarnation = batch.incarnation
                    $0.index = cursor
                }
            ])
        }
        return heard
    }

    @Test(arguments: World.allCases) func theLogIsKeptForWhoeverHasNotHeard(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        var settings = Partition.Settings()
        settings.keepEntries = 4
        let told = try await withPartition(over: store, epoch: 1, settings: settings) { partition in
            for _ in 0..<30 { _ = try await partition.execute(.increment(1)) }
            let told = try await partition.execute(.tell([Self.other], 1)).index
            for _ in 0..<300 { _ = try await partition.execute(.increment(1)) }
            return told
        }
        let first = try #require(try Rows.log(store).first?.index)
        #expect(first > 1 && first <= told)
        // Also the next life knows what to tell; once it is heard, the log goes.
        try await withPartition(over: store, epoch: 2, settings: settings) { partition in
            #expect(await partition.waitingDestinations() == [Self.other])
            #expect(await Self.drain(partition, to: Self.other) == [told])
            for _ in 0..<130 { _ = try await partition.execute(.increment(1)) }
            #expect(await partition.status().backlog == 0)
        }
        let log = try Rows.log(store)
        #expect(log.count < 100 && log[0].index > told)
        #expect(try store.counter(.reactions, Rows.key(1)) == 460)
    }

    // MARK: Waiting for what a session wrote elsewhere

    @Test func aWaitEndsWhenTheStreamArrives() async throws {
        try await withPartition(over: MemoryStore()) { partition in
            _ = try await partition.receive([.told(by: Self.source, from: 0, to: 2)])
            try await partition.waitFor(Self.source, incarnation: 1, index: 2, deadline: .now() - .seconds(1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in UInt64(1)...6 {
                    group.addTask {
                        try await partition.waitFor(
                            Self.source, incarnation: 1, index: index, deadline: .now() + .seconds(30))
                    }
                }
                for cursor in UInt64(2)..<6 {
                    _ = try await partition.receive([.told(by: Self.source, from: cursor, to: cursor + 1)])
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aWaitKnowsWhatArrivedBeforeTheRestart() async throws {
        let store = MemoryStore()
        try await withPartition(over: store, epoch: 1) { partition in
            _ = try await partition.receive([.told(by: Self.source, from: 0, to: 4)])
        }
        try await withPartition(over: store, epoch: 2) { partition in
            try await partition.waitFor(Self.source, incarnation: 1, index: 4, deadline: .now() - .seconds(1))
        }
    }

    /// The same index of another life of the source's log is another write (rule D3).
    @Test func aWaitKnowsTheLivesOfTheSourceApart() async throws {
        try await withPartition(over: MemoryStore()) { partition in
            _ = try await partition.receive([.told(by: Self.source, from: 0, to: 5)])
            await #expect(throws: ReplicationError.notCaughtUp(partition: .home)) {
                try await partition.waitFor(Self.source, incarnation: 2, index: 3, deadline: .now())
            }
            var second = StreamBatch.told(by: Self.other, from: 0, to: 2)
            second.incarnation = 2
            async let waits: Void = partition.waitFor(
                Self.other, incarnation: 2, index: 2, deadline: .now() + .seconds(30))
            _ = try await partition.receive([second])
            try await waits
            // Whatever the first life told was settled before the second was taken.
            try await partition.waitFor(Self.other, incarnation: 1, index: 100, deadline: .now() - .seconds(1))
        }
    }

    @Test func aWaitEndsAtItsDeadline() async throws {
        try await withPartition(over: MemoryStore()) { partition in
            _ = try await partition.receive([.told(by: Self.source, from: 0, to: 2)])
            for (source, index) in [(Self.source, UInt64(3)), (Self.other, 1)] {
                await #expect(throws: ReplicationError.notCaughtUp(partition: .home)) {
                    try await partition.waitFor(
                        source, incarnation: 1, index: index, deadline: .now() + .milliseconds(20))
                }
            }
        }
    }
}
