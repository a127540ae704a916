import Cluster
import Messages
import Replication
import Storage
import Testing

/// What comes back after a stop, a crash, or damage.
@Suite struct RecoveryTests {
    private func entry(_ index: UInt64, epoch: UInt64, after previous: UInt64) -> LogEntry {
        var effects = Effects()
        effects.merge(.counts, Bench.key(PartitionId(1), "n"), delta: 1)
        return .with {
            $0.index = index
            $0.epoch = epoch
            $0.previousEpoch = previous
            $0.effects = effects.encode()
        }
    }

    private func store(_ entries: [LogEntry], damage: (inout [UInt8]) -> Void = { _ in }) throws -> MemoryStore {
        let store = MemoryStore()
        for entry in entries {
            var (effects, bytes) = (Effects(), StoredEntry.encode(entry))
            damage(&bytes)
            effects.put(.log, ReplicationKeys.log(PartitionId(1), index: entry.index), bytes)
            try store.write(effects, sync: true)
        }
        return store
    }

    @Test func theTailIsRestampedAndAppliedOnce() async throws {
        let store = try store([entry(1, epoch: 3, after: 0), entry(2, epoch: 3, after: 3)])
        let status = try await Bench(store).start(epoch: 4).status()
        #expect(status.epoch == 4 && status.appliedIndex == 3)
        #expect(try store.counter(.counts, Bench.key(PartitionId(1), "n")) == 2)
        let second = try store.get(.log, ReplicationKeys.log(PartitionId(1), index: 2))
        let restamped = try second?.withUnsafeBytes { try StoredEntry.decode($0, partition: PartitionId(1)) }
        #expect(restamped?.epoch == 4)
        _ = try await Bench(store).start(epoch: 5)
        #expect(try store.counter(.counts, Bench.key(PartitionId(1), "n")) == 2)
    }

    @Test func anEpochIsNeverContinued() async throws {
        let store = try store([entry(1, epoch: 3, after: 0)])
        await #expect(throws: ReplicationError.self) { try await Bench(store).start(epoch: 3) }
    }

    @Test func damageIsSaidLoudly() async throws {
        let damaged = try store([entry(1, epoch: 3, after: 0)]) { $0[3] ^= 1 }
        await #expect(throws: ReplicationError.self) { try await Bench(damaged).start(epoch: 4) }
        let gap = try store([entry(1, epoch: 3, after: 0), entry(3, epoch: 3, after: 3)])
        await #expect(throws: ReplicationError.self) { try await Bench(gap).start(epoch: 4) }
    }

    @Test func aLogThatIsGoneIsSaidLoudly() async throws {
        let store = MemoryStore()
        _ = try await Bench(store).start(epoch: 1)
        var effects = Effects()
        effects.deleteRange(.log, from: [0], to: [255])
        try store.write(effects, sync: true)
        await #expect(throws: ReplicationError.self) { try await Bench(store).start(epoch: 2) }
    }

    /// Rule B4: a log replayed into an empty store gives equal bytes.
    @Test(arguments: [true, false]) func aReplayedLogGivesEqualBytes(rocks: Bool) async throws {
        let bench = Bench(MemoryStore())
        let seed = Seeded.fresh(#function)
        var random = Seeded(seed)
        for epoch in UInt64(1)...3 {
            let partition = try await bench.start(epoch: epoch)
            for _ in 0..<100 {
                let name = "k\(Int.random(in: 0..<8, using: &random))"
                let request = RequestId(timeMs: bench.clock.nowMs(), random: random.next())
                _ = try await partition.execute(
                    random.chance(50) ? Bench.count(name, request: request) : Bench.increment(name))
            }
            await partition.stop()
        }
        let directory = TemporaryFolder()
        let empty: any Store = rocks ? try RocksStore(path: directory.path + "/store") : MemoryStore()
        try replay(bench.store, into: empty)
        let families = Family.allCases.filter { $0 != .log }
        #expect(try empty.dump(families) == bench.store.dump(families), "seed \(seed)")
        empty.close()
    }

    private func replay(_ store: any Store, into empty: any Store) throws {
        var meta = PartitionMeta.with { $0.incarnation = 1 }
        for row in try store.rows(.log) {
            let entry = try row.value.withUnsafeBytes { try StoredEntry.decode($0, partition: PartitionId(1)) }
            let (effects, next) = try StoredEntry.applying(entry, partition: PartitionId(1), previous: meta)
            try empty.write(effects, sync: false)
            meta = next
        }
    }
}
