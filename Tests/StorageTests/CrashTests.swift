import Foundation
import Storage
import Testing

/// kill -9, and then the loss of everything that was not synced (see Tests/Support/FaultyDisk/faultydisk.c).
/// The bodies of `processExitsWith` run in a process of their own, with the layer preloaded.
@Suite(.serialized) struct CrashTests {
    let disk: FaultyDisk

    init() throws { disk = try FaultyDisk() }

    @Test func theLayerForgetsWhatWasNotSynced() throws {
        try "kept".write(toFile: disk.path + "/older", atomically: false, encoding: .utf8)
        #expect(try disk.run("faultydisk-check", [disk.path], preloaded: true) != 0, "it kills itself")
        try disk.dropUnsynced()
        let names = ["never-synced", "half-synced", "second-name", "cut-then-grown", "older"]
        let contents = try names.map { try String(contentsOfFile: "\(disk.path)/\($0)", encoding: .utf8) }
        #expect(contents == ["", "kept", "kept", "kept", "kept"])
    }

    @Test func whatWasSyncedComesBackAndTheTailDoesNot() async throws {
        await disk.preloaded { path in
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let store = try RocksStore(path: path + "/store")
                for index in UInt64(0)..<100 { try store.write(numbered(index), sync: index < 60) }
                kill(getpid(), SIGKILL)
            }
        }
        try disk.dropUnsynced()
        let store = try RocksStore(path: disk.path + "/store")
        #expect(try store.rows(.tweets).count == 60)
        #expect(try store.counter(.counts, bytes("n")) == 60)
    }

    /// The control: with syncing switched off the same acknowledged writes are gone, so the layer bites.
    @Test func withoutSyncAcknowledgedWritesAreLost() async throws {
        await disk.preloaded { path in
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let store = try RocksStore(path: path + "/store", sync: false)
                for index in UInt64(0)..<100 { try store.write(numbered(index), sync: true) }
                kill(getpid(), SIGKILL)
            }
        }
        try disk.dropUnsynced()
        #expect(try RocksStore(path: disk.path + "/store").rows(.tweets).isEmpty)
    }

    /// Families are written out at different times. What comes back must still be one prefix of the writes, or an
    /// applied index would be older than the counts, and replaying would count twice (rule B5).
    @Test func allFamiliesComeBackToTheSameMoment() async throws {
        await disk.preloaded { path in
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let store = try RocksStore(path: path + "/store", settings: .small)
                for index in UInt64(0)..<3000 { try store.write(numbered(index), sync: false) }
                kill(getpid(), SIGKILL)
            }
        }
        try disk.dropUnsynced()
        let store = try RocksStore(path: disk.path + "/store")
        let count = try store.counter(.counts, bytes("n"))
        print("allFamiliesComeBackToTheSameMoment: \(count) of 3000 came back")
        #expect(count > 0 && count < 3000, "some memtables were written out, and the last were not")
        #expect(try store.counter(.meta, bytes("applied")) == count)
        #expect(try store.rows(.tweets).count == Int(count))
    }

    @Test func aDataDirectorySurvivesAnyMoment() async throws {
        await disk.preloaded { path in
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let directory = try DataDirectory(path: path + "/n1", clusterId: "home", nodeId: "n1")
                let store = try RocksStore(path: directory.storePath)
                try store.write(numbered(0), sync: true)
                kill(getpid(), SIGKILL)
            }
        }
        try disk.dropUnsynced()
        let directory = try DataDirectory(path: disk.path + "/n1", clusterId: "home", nodeId: "n1")
        #expect(!directory.isNew)
        #expect(try RocksStore(path: directory.storePath).counter(.counts, bytes("n")) == 1)
    }

    /// Rule C9 needs the error: it must come out, and nothing may be acknowledged afterwards.
    @Test func aFailedSyncIsThrownAndStaysFailed() async throws {
        await disk.preloaded(failingSyncsAfter: 200) { path in
            await #expect(processExitsWith: .exitCode(9)) { [path = path as String] in
                let store = try RocksStore(path: path + "/store")
                var index: UInt64 = 0
                do {
                    while index < 400 {
                        try store.write(numbered(index), sync: true)
                        index += 1
                    }
                } catch StorageError.io {
                    do { try store.write(numbered(index + 1), sync: true) } catch { exit(9) }
                }
            }
        }
    }
}

/// Write number `index`: a row of about a hundred bytes, a count, and an applied index like a partition's.
private func numbered(_ index: UInt64) -> Effects {
    .make {
        $0.put(.tweets, Key(partition: 1).appending(index).bytes, [UInt8](repeating: UInt8(index % 256), count: 100))
        $0.merge(.counts, bytes("n"), delta: 1)
        $0.put(.meta, bytes("applied"), CounterValue.encode(Int64(index) + 1))
    }
}
