import CRocksDB
import Glibc

/// An open RocksDB with its families, closed with its last reference, so that no call ever meets a closed one.
///
/// `@unchecked Sendable`: every stored property is a `let` set before the handle is shared, and RocksDB allows any
/// number of threads to use one database, its family handles and unchanging option objects at once.
final class RocksHandle: @unchecked Sendable {
    let database: OpaquePointer
    private let families: [OpaquePointer]
    private let defaultFamily: OpaquePointer
    let syncedWrites: OpaquePointer?
    let unsyncedWrites: OpaquePointer?

    /// Makes what is missing. Throws `.io` or `.corrupt`.
    init(path: String, settings: RocksSettings) throws {
        let options = settings.makeOptions()
        defer { rocksdb_options_destroy(options) }
        let (database, handles) = try Self.open(path, options, families: Family.allCases.map(\.name))
        self.database = database
        defaultFamily = handles[0]
        families = Array(handles.dropFirst())
        syncedWrites = rocksdb_writeoptions_create()
        rocksdb_writeoptions_set_sync(syncedWrites, 1)
        unsyncedWrites = rocksdb_writeoptions_create()
    }

    deinit {
        rocksdb_writeoptions_destroy(syncedWrites)
        rocksdb_writeoptions_destroy(unsyncedWrites)
        for family in families + [defaultFamily] { rocksdb_column_family_handle_destroy(family) }
        rocksdb_close(database)
    }

    func family(_ family: Family) -> OpaquePointer { families[family.slot] }

    func write(_ batches: [Effects], sync: Bool) throws {
        let batch = rocksdb_writebatch_create()
        defer { rocksdb_writebatch_destroy(batch) }
        for effects in batches { effects.forEach { add($0, to: batch) } }
        try RocksCall.checked { rocksdb_write(database, sync ? syncedWrites : unsyncedWrites, batch, $0) }
    }

    private func add(_ operation: Effects.RawOperation, to batch: OpaquePointer?) {
        let family = family(operation.family)
        let (first, second) = (operation.first, operation.second)
        switch operation.kind {
        case .put:
            rocksdb_writebatch_put_cf(batch, family, first.chars, first.count, second.chars, second.count)
        case .delete:
            rocksdb_writebatch_delete_cf(batch, family, first.chars, first.count)
        case .merge:
            rocksdb_writebatch_merge_cf(batch, family, first.chars, first.count, second.chars, second.count)
        case .deleteRange:
            rocksdb_writebatch_delete_range_cf(batch, family, first.chars, first.count, second.chars, second.count)
        }
    }

    func flush() throws {
        let options = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(options) }
        rocksdb_flushoptions_set_wait(options, 1)
        for family in families { try RocksCall.checked { rocksdb_flush_cf(database, options, family, $0) } }
    }

    /// RocksDB writes memtables out first, then links the files, and syncs the directory.
    func checkpoint(at path: String) throws {
        let checkpoint = try RocksCall.checked { rocksdb_checkpoint_object_create(database, $0) }
        defer { rocksdb_checkpoint_object_destroy(checkpoint) }
        try RocksCall.checked { rocksdb_checkpoint_create(checkpoint, path, 0, $0) }
    }

    /// The sum of a numeric property over all families, or nil when RocksDB does not know it.
    func property(_ name: String) -> UInt64? {
        var sum: UInt64 = 0
        for family in families {
            var value: UInt64 = 0
            guard rocksdb_property_int_cf(database, family, name, &value) == 0 else { return nil }
            sum += value
        }
        return sum
    }

    /// The handles come back in the order of `families`, after the one of RocksDB's own family `default`.
    private static func open(
        _ path: String, _ options: OpaquePointer?, families: [String]
    ) throws -> (database: OpaquePointer, handles: [OpaquePointer]) {
        let names = (["default"] + families).map { strdup($0) }
        defer { names.forEach { free($0) } }
        let constNames = names.map { UnsafePointer($0) }
        let everyOptions = [OpaquePointer?](repeating: options, count: names.count)
        var handles = [OpaquePointer?](repeating: nil, count: names.count)
        let database = try RocksCall.checked {
            rocksdb_open_column_families(
                options, path, Int32(names.count), constNames, everyOptions, &handles, $0)
        }
        guard let database else { throw StorageError.io("RocksDB gave no database for \(path)") }
        return (database, handles.compactMap { $0 })
    }
}
