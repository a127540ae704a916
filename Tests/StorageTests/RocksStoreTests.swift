import Foundation
import Storage
import Testing

/// What only a store with files can show.
@Suite struct RocksStoreTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> RocksStore {
        try RocksStore(path: directory.path + "/store", settings: .small)
    }

    private var everyFamily: Effects {
        .make { effects in
            for family in Family.allCases {
                effects.put(family, bytes("k"), bytes(family.name))
                effects.merge(family, bytes("n"), delta: Int64(family.rawValue))
            }
        }
    }

    @Test func everyFamilyComesBackAfterReopening() throws {
        let first = try open()
        try first.write(everyFamily, sync: true)
        let before = try first.dump()
        first.close()
        let second = try open()
        #expect(try second.dump() == before)
        #expect(try second.counter(.sums, bytes("n")) == 14)
        #expect(before.split(separator: "\n").count == 2 * Family.allCases.count)
    }

    @Test func aFlushedStoreComesBackWithItsCountersOnce() throws {
        let first = try open()
        try first.write(everyFamily, sync: true)
        try first.flush()
        try first.write(everyFamily, sync: true)
        first.close()
        #expect(try open().counter(.counts, bytes("n")) == 26)
    }

    @Test func aCheckpointIsAStoreOfItsOwn() throws {
        let store = try open()
        try store.write(everyFamily, sync: true)
        let copy = directory.path + "/copy"
        try store.checkpoint(at: copy)
        let before = try store.dump()
        try store.write(.make { $0.put(.users, bytes("later"), []) }, sync: true)
        #expect(try RocksStore(path: copy).dump() == before)
        #expect(throws: StorageError.self) { try store.checkpoint(at: copy) }
    }

    @Test func oneStoreIsOpenedOnceAtATime() throws {
        let store = try open()
        #expect(throws: StorageError.self) { try open() }
        let snapshot = store.snapshot()
        store.close()
        #expect(throws: StorageError.self, "a snapshot still holds the files") { try open() }
        withExtendedLifetime(snapshot) {}
    }

    @Test func aDamagedFileIsCorruptAndNotAnAnswer() throws {
        let store = try open()
        let fill = Effects.make { effects in
            for index in UInt64(0)..<2000 {
                effects.put(.tweets, Key(partition: 1).appending(index).bytes, bytes("tweet number \(index)"))
            }
        }
        try store.write(fill, sync: true)
        try store.flush()
        store.close()
        try damageLargestTable()
        #expect {
            let reopened = try open()
            _ = try reopened.rows(.tweets)
        } throws: {
            guard case StorageError.corrupt = $0 else { return false }
            return true
        }
    }

    /// Turns over a bit in the first block, which holds rows.
    private func damageLargestTable() throws {
        let store = directory.path + "/store"
        let tables = try FileManager.default.contentsOfDirectory(atPath: store).filter { $0.hasSuffix(".sst") }
        let contents = try tables.map { name in
            (path: "\(store)/\(name)", data: try Data(contentsOf: URL(fileURLWithPath: "\(store)/\(name)")))
        }
        var (path, data) = try #require(contents.max { $0.data.count < $1.data.count })
        data[100] ^= 1
        try data.write(to: URL(fileURLWithPath: path))
    }

    @Test func figuresOfRocksDBCanBeRead() throws {
        let store = try open()
        try store.write(everyFamily, sync: false)
        #expect(try store.property("rocksdb.estimate-num-keys") == UInt64(2 * Family.allCases.count))
        #expect(try store.property("no such figure") == nil)
    }
}
