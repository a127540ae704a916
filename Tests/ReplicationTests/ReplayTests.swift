import Cluster
import Messages
import NIOPosix
import Replication
import Storage
import Testing

/// Replaying a log into an empty store gives equal bytes (rule B4), and at every step it shows how far it has come.
@Suite struct ReplayTests {
    private static func randomCommand(_ random: inout Seeded, _ number: UInt64) -> Command {
        let request = random.chance(50) ? RequestId(timeMs: TestClock.noonMs, random: number) : nil
        let row = UInt64.random(in: 0..<6, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: return .count(row, request: request)
        case 1: return .increment(row, request: request)
        case 2: return .tell([PartitionId(2), PartitionId(3)], number, request: request)
        case 3: return .make(Int.random(in: 0...4, using: &random), request: request)
        case 4:
            return Command(requestId: request, latches: []) { _ in throw Refusal() }
        case 5:
            let end = row + UInt64.random(in: 0..<3, using: &random)
            return Command(requestId: request, latches: (row...end).map { .write(1, $0) }) { evaluation in
                try evaluation.rows.deleteRange(.reactions, from: Rows.key(row), to: Rows.key(end))
                return []
            }
        default:
            return Command(requestId: request, latches: [.write(1, row)]) { evaluation in
                evaluation.rows.delete(.reactions, Rows.key(row))
                evaluation.note(.eventCounted, Counted.with { $0.tweetId = row })
                return [1]
            }
        }
    }

    /// Many commands at once, so that they share entries, and streams that arrive among them.
    private static func work(_ partition: Partition, _ random: inout Seeded, _ round: UInt64) async throws {
        let commands = (0..<60).map { randomCommand(&random, round * 100 + $0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for command in commands {
                group.addTask {
                    do { _ = try await partition.execute(command) } catch { #expect(error is Refusal) }
                }
            }
            for source in UInt16(20)..<24 {
                group.addTask {
                    let batch = StreamBatch.told(by: PartitionId(source), from: round * 3, to: round * 3 + 3)
                    let cursors = try await partition.receive([batch, batch])
                    #expect(cursors.map(\.taken) == [true, false])
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: World.allCases) func anEmptyStoreBecomesEqual(world: World) async throws {
        let seed = Seeded.fresh("anEmptyStoreBecomesEqual \(world)")
        var random = Seeded(seed)
        let directory = try TemporaryDirectory()
        let store = try world.store(in: directory)
        var settings = Partition.Settings()
        settings.keepEntries = .max
        for round in UInt64(0)..<4 {
            let node = TestNode(over: store, settings: settings)
            let partition = try await node.start(epoch: round + 1)
            try await Self.work(partition, &random, round)
            try await node.stop(partition)
        }
        let log = try Rows.log(store)
        #expect(log.first?.index == 1)
        let families = Family.allCases.filter { $0.isProduct }
        for copyWorld in World.allCases {
            let copy = try copyWorld.store(in: directory, "copy")
            try copy.write(log.map { .appending($0) }, sync: false)
            var meta = PartitionMeta.with { $0.incarnation = 1 }
            for entry in log {
                let shown = try PartitionMeta.read(of: .home, in: copy)
                #expect(shown.encode() == meta.encode(), "ROOKERY_SEED=\(seed), \(copyWorld), before \(entry.index)")
                let applied = try StoredEntry.applying(entry, partition: .home, previous: meta)
                try copy.write(applied.effects, sync: false)
                meta = applied.meta
            }
            #expect(try copy.dump(families) == store.dump(families), "ROOKERY_SEED=\(seed), \(copyWorld)")
            #expect(try meta.encode() == store.get(.meta, ReplicationKeys.meta(.home)), "ROOKERY_SEED=\(seed)")
            copy.close()
        }
    }
}
