import Cluster
import Messages
import NIOCore
import Replication
import Storage
import Synchronization
import Testing

/// The power goes at every step of a run of commands: between append and apply, between two appends, in between.
/// Whatever was acknowledged is there afterwards, once (P1, rule B6).
@Suite struct PowerCutTests {
    private final class Acknowledged: Sendable {
        private let names = Mutex<[UInt64]>([])
        var all: [UInt64] { names.withLock { $0 } }
        func note(_ request: UInt64) { names.withLock { $0.append(request) } }
    }

    /// Runs commands until the power goes after `writes` writes; gives what was acknowledged, and the disk.
    private func run(
        until writes: Int, heedsSync: Bool, keeping kept: @escaping (Int) -> Int
    ) async throws -> (acknowledged: [UInt64], disk: ForgetfulStore) {
        let store = ForgetfulStore(heedsSync: heedsSync)
        let bench = Bench(store)
        let partition = try await bench.start(epoch: 1)
        store.cutPower(after: writes)
        let acknowledged = Acknowledged()
        let commands = Task {
            for i in UInt64(0)..<40 {
                _ = try await partition.execute(Bench.count("c\(i)", request: Self.request(bench, i)))
                acknowledged.note(i)
            }
        }
        // The disk fails, and in a real node the process ends with it: the commands are never answered.
        while bench.failed.error == nil, acknowledged.all.count < 40 { await Task.yield() }
        commands.cancel()
        return (acknowledged.all, try store.afterPowerCut(keeping: kept))
    }

    private static func request(_ bench: Bench, _ i: UInt64) -> RequestId {
        RequestId(timeMs: bench.clock.nowMs(), random: i)
    }

    @Test func whatWasAcknowledgedIsThereOnceAfterAnyPowerCut() async throws {
        let seed = Seeded.fresh(#function)
        for writes in 0..<84 {
            let random = Mutex(Seeded(seed &+ UInt64(writes)))
            let (acknowledged, disk) = try await run(until: writes, heedsSync: true) { unsynced in
                random.withLock { Int.random(in: 0...unsynced, using: &$0) }
            }
            let bench = Bench(disk)
            let partition = try await bench.start(epoch: 2)
            for i in acknowledged {
                #expect(try disk.counter(.counts, Bench.key(partition.id, "c\(i)")) == 1, "seed \(seed), cut \(writes)")
                let again = try await partition.execute(Bench.count("c\(i)", request: Self.request(bench, i)))
                #expect(again.wasRemembered, "seed \(seed), cut \(writes)")
            }
            // Those in doubt are sent again, and then they are there once, too.
            for i in UInt64(0)..<40 {
                _ = try await partition.execute(Bench.count("c\(i)", request: Self.request(bench, i)))
                #expect(try disk.counter(.counts, Bench.key(partition.id, "c\(i)")) == 1, "seed \(seed), cut \(writes)")
            }
        }
    }

    /// The same on a disk that ignores sync loses something; else the test above would show nothing.
    @Test func withoutSyncSomethingIsLost() async throws {
        var lost = 0
        for writes in stride(from: 5, to: 80, by: 5) {
            let (acknowledged, disk) = try await run(until: writes, heedsSync: false) { _ in 0 }
            for i in acknowledged where try disk.counter(.counts, Bench.key(PartitionId(1), "c\(i)")) == 0 { lost += 1 }
        }
        #expect(lost > 0)
    }
}
