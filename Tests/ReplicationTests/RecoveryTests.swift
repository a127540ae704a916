import Cluster
import Messages
import Replication
import Storage
import Testing

/// How a partition comes back, and when it must not (rules B1, C5, C7).
@Suite struct RecoveryTests {
    private static let request = RequestId(timeMs: TestClock.noonMs, random: 9)

    /// An entry that nobody has applied: it counts on row 1 and answers a request.
    private static func entry(index: UInt64, epoch: UInt64, previousEpoch: UInt64) -> LogEntry {
        var effects = Effects()
        effects.merge(.counts, Rows.key(1), delta: 1)
        return .with {
            $0.index = index
            $0.epoch = epoch
            $0.previousEpoch = previousEpoch
            $0.highestId = index << 22
            $0.effects = effects.encode()
            $0.requests = [
                .with {
                    $0.requestId = RequestId(timeMs: request.timeMs, random: index).bytes
                    $0.answer = Array("answer \(index)".utf8)
                }
            ]
        }
    }

    private static func write(_ entry: LogEntry, to store: any Store) throws {
        try store.write(.appending(entry), sync: true)
    }

    private static func change(_ store: any Store, _ build: (inout Effects) -> Void) throws {
        var effects = Effects()
        build(&effects)
        try store.write(effects, sync: true)
    }

    /// A store with ten commands in it, every other one remembered and so the last; the log's last index.
    private static func used(_ store: any Store, epoch: UInt64 = 3) async throws -> UInt64 {
        try await withPartition(over: store, epoch: epoch) { partition in
            func command(_ turn: UInt64) -> Command {
                .increment(turn, request: turn % 2 == 0 ? nil : RequestId(timeMs: request.timeMs, random: 100 + turn))
            }
            for turn in UInt64(0)..<9 { _ = try await partition.execute(command(turn)) }
            return try await partition.execute(command(9)).index
        }
    }

    private static func expectCorrupt(_ store: any Store, epoch: UInt64 = 9, _ what: String) async throws {
        let before = try store.dump()
        do {
            try await withPartition(over: store, epoch: epoch) { _ in }
            Issue.record("it came back: \(what)")
        } catch ReplicationError.corrupt(let partition, let found) {
            #expect(partition == .home)
            #expect(found.contains(what))
        }
        #expect(try store.dump() == before, "a start that fails must leave everything for the one who looks")
    }

    @Test(arguments: World.allCases) func aTailIsStampedAnewAndAppliedOnce(world: World) async throws {
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        let last = try await Self.used(store)
        for step in UInt64(1)...3 {
            try Self.write(Self.entry(index: last + step, epoch: 3, previousEpoch: 3), to: store)
        }
        try await withPartition(over: store, epoch: 8) { partition in
            #expect(try store.counter(.counts, Rows.key(1)) == 3)
            let tail = try Rows.log(store).suffix(4)
            #expect(tail.map(\.index) == Array(last + 1...last + 4))
            #expect(tail.map(\.epoch) == [8, 8, 8, 8])
            #expect(tail.map(\.previousEpoch) == [3, 8, 8, 8])
            #expect(tail.last?.effects == [], "the last is the new primary's own")
            for step in UInt64(1)...3 {
                let known = try await partition.remembered(
                    RequestId(timeMs: Self.request.timeMs, random: last + step))
                #expect(known?.answer == Array("answer \(last + step)".utf8) && known?.index == last + step)
            }
            #expect(try Rows.meta(store)?.highestId == (last + 3) << 22)
            #expect(try await partition.execute(.increment(0)).index == last + 5)
        }
        // What was applied once is not applied again by the next start.
        try await withPartition(over: store, epoch: 9) { _ in }
        #expect(try store.counter(.counts, Rows.key(1)) == 3)
    }

    @Test func aNewStoreBeginsAtOne() async throws {
        let store = MemoryStore()
        let status = try await withPartition(over: store, epoch: 4) { await $0.status() }
        #expect(status.lastIndex == 1 && status.appliedIndex == 1 && status.epoch == 4 && status.serving)
        #expect(try Rows.meta(store)?.incarnation == 1)
    }

    @Test func damageAnywhereInTheLogIsNotServedOver() async throws {
        let seed = Seeded.fresh()
        var random = Seeded(seed)
        for _ in 0..<20 {
            let store = MemoryStore()
            let last = try await Self.used(store)
            let key = ReplicationKeys.log(.home, index: UInt64.random(in: 1...last, using: &random))
            var bytes = try #require(try store.get(.log, key))
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try Self.change(store) { $0.put(.log, key, bytes) }
            try await Self.expectCorrupt(store, "checksum")
        }
    }

    @Test func aMissingEntryIsNotServedOver() async throws {
        for place in UInt64(1)...10 {
            let store = MemoryStore()
            let last = try await Self.used(store)
            let doomed = last - place + 1
            try Self.change(store) { $0.delete(.log, ReplicationKeys.log(.home, index: doomed)) }
            let what = doomed == last ? "the log ends at \(last - 1)" : "log entry \(doomed) is missing"
            try await Self.expectCorrupt(store, what)
        }
    }

    @Test func aLogThatIsGoneOrBeginsTooLateIsNotServedOver() async throws {
        let store = MemoryStore()
        let last = try await Self.used(store)
        try Self.change(store) {
            $0.deleteRange(
                .log, from: ReplicationKeys.log(.home, index: 0), to: ReplicationKeys.log(.home, index: last + 1))
        }
        try await Self.expectCorrupt(store, "the log is gone")
        try Self.write(Self.entry(index: last + 2, epoch: 3, previousEpoch: 3), to: store)
        try await Self.expectCorrupt(store, "log entries \(last + 1) to \(last + 1) are missing")
    }

    @Test func anEntryInTheWrongPlaceIsNotServedOver() async throws {
        let store = MemoryStore()
        let last = try await Self.used(store)
        // Sound in itself, but it is the entry before: its key and its index part.
        let other = try #require(try store.get(.log, ReplicationKeys.log(.home, index: last - 1)))
        try Self.change(store) { $0.put(.log, ReplicationKeys.log(.home, index: last), other) }
        try await Self.expectCorrupt(store, "missing")
    }

    @Test func anEpochIsNeverContinued() async throws {
        for epoch in UInt64(1)...3 {
            let store = MemoryStore()
            _ = try await Self.used(store, epoch: 3)
            try await Self.expectCorrupt(store, epoch: epoch, "the log already holds epoch 3")
        }
        // The tail counts, too, before anything of it is applied.
        let store = MemoryStore()
        let last = try await Self.used(store, epoch: 3)
        try Self.write(Self.entry(index: last + 1, epoch: 6, previousEpoch: 3), to: store)
        try await Self.expectCorrupt(store, epoch: 6, "the log already holds epoch 6")
    }
}
