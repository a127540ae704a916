import Cluster
import Dispatch
import Logging
import Messages
import NIOPosix
import Replication
import Storage
import Testing

/// The disk's side of a partition: what shares an entry, and what happens when it stops or the disk fails.
@Suite struct GroupCommitTests {
    /// Nothing waits for company, but what comes while the disk is busy travels together.
    @Test func whatComesWhileTheDiskIsBusySharesAnEntry() async throws {
        let (store, evaluated) = (GatedStore(), Counter())
        let entries = try await withPartition(over: store) { partition in
            let before = await partition.status().lastIndex
            store.shut()
            return try await withThrowingTaskGroup(of: UInt64.self) { group in
                for row in UInt64(0)..<1000 {
                    group.addTask {
                        let command = Command(requestId: nil, latches: [.write(1, row)]) { evaluation in
                            evaluation.rows.put(.reactions, Rows.key(row), [1])
                            evaluated.add()
                            return []
                        }
                        return try await partition.execute(command).index
                    }
                }
                await evaluated.reach(1000)
                store.open()
                let indexes = try await group.reduce(into: Set<UInt64>()) { $0.insert($1) }
                #expect(await partition.status().lastIndex == before + UInt64(indexes.count))
                return indexes.count
            }
        }
        // The first goes alone; the last to be evaluated may miss the second.
        #expect(entries < 50)
        #expect(try store.rows(.reactions).count == 1000)
    }

    /// An entry holds what fits; the rest waits for the next one, in order.
    @Test func aFullEntryTakesNoFurtherCommand() async throws {
        let store = GatedStore()
        var settings = Partition.Settings()
        settings.maxEntryBytes = 1000
        try await withPartition(over: store, settings: settings) { partition in
            await withTaskGroup(of: Void.self) { group in
                for row in UInt64(0)..<100 {
                    group.addTask {
                        await #expect(throws: Never.self) {
                            let command = Command(requestId: nil, latches: []) { evaluation in
                                evaluation.rows.put(.tweets, Rows.key(row), [UInt8](repeating: 7, count: 400))
                                return []
                            }
                            _ = try await partition.execute(command)
                        }
                    }
                }
            }
        }
        #expect(try store.rows(.tweets).count == 100)
        #expect(try Rows.log(store).allSatisfy { $0.effects.count <= 1000 + 500 })
    }

    /// After `stop` returns somebody else may lead the partition from this store: nothing may be written any more.
    @Test func aCommandThatIsBeingEvaluatedWhenThePartitionStopsIsRefused() async throws {
        let (store, evaluated, gate) = (MemoryStore(), Counter(), DispatchSemaphore(value: 0))
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let node = TestNode(over: store, pool: pool)
        let partition = try await node.start(epoch: 1)
        // It leaves the figures of the partition to be stored by the stop.
        _ = try await partition.execute(.count(2, request: RequestId(timeMs: TestClock.noonMs, random: 1)))
        let slow = Command(requestId: nil, latches: []) { evaluation in
            try evaluation.rows.merge(.counts, Rows.key(1), delta: 1)
            evaluated.add()
            gate.wait()
            return []
        }
        let running = Task { try await partition.execute(slow) }
        await evaluated.reach(1)
        await partition.stop()
        let before = try store.dump()
        gate.signal()
        await #expect(throws: ReplicationError.notServing(partition: .home)) { try await running.value }
        try await node.stop(partition)
        #expect(try store.dump() == before)
        try await pool.shutdownGracefully()
    }

    /// Whoever stops it again, late, must not overwrite what its next life wrote.
    @Test func theSecondStopWritesNothing() async throws {
        let store = MemoryStore()
        let node = TestNode(over: store)
        let first = try await node.start(epoch: 1)
        async let both: Void = first.stop()
        await first.stop()
        await both
        let next = try await node.start(epoch: 2)
        let before = try store.dump()
        await first.stop()
        #expect(try store.dump() == before)
        try await node.stop(next)
    }

    @Test func aStoppedPartitionTakesNothing() async throws {
        let store = MemoryStore()
        let node = TestNode(over: store)
        let partition = try await node.start(epoch: 1)
        try await node.stop(partition)
        let before = try store.dump()
        await #expect(throws: ReplicationError.notServing(partition: .home)) {
            try await partition.execute(.increment(1))
        }
        await #expect(throws: ReplicationError.notServing(partition: .home)) {
            try await partition.receive([.told(by: PartitionId(9), from: 0, to: 1)])
        }
        #expect(try store.dump() == before)
    }

    /// Rule C9: what reached the disk is unknown, so nobody is told that it did, and nothing is tried again.
    @Test func aDiskThatFailsIsReportedOnceAndNotAskedAgain() async throws {
        let (store, failures, done) = (GatedStore(), Counter(), Counter())
        let log = GroupLog(store: store) { _ in failures.add() }
        store.breakDown()
        var effects = Effects()
        effects.put(.log, [1], [1])
        for _ in 0..<10 { log.append(effects) { done.add() } }
        await failures.reach(1)
        for _ in 0..<10 { log.apply(effects) { done.add() } }
        await log.apply(effects)
        try await log.close()
        #expect(failures.current == 1 && done.current == 0)
    }
}
