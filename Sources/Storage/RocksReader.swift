import CRocksDB

/// The reads that a RocksDB and its snapshots share. Checksums of what comes from disk are verified (RocksDB's
/// default), and a mismatch is `.corrupt`.
///
/// `@unchecked Sendable`: the options are set before `init` returns and never changed afterwards; RocksDB only
/// reads them. The handle is Sendable.
final class RocksReader: @unchecked Sendable, Reader {
    let handle: RocksHandle
    private let options: OpaquePointer?
    private let snapshot: OpaquePointer?

    /// With `ofThisMoment` it sees the database as it is now for as long as it lives.
    init(_ handle: RocksHandle, ofThisMoment: Bool) {
        self.handle = handle
        snapshot = ofThisMoment ? rocksdb_create_snapshot(handle.database) : nil
        options = Self.makeOptions(snapshot)
    }

    deinit {
        rocksdb_readoptions_destroy(options)
        if let snapshot { rocksdb_release_snapshot(handle.database, snapshot) }
    }

    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? {
        try withPinned(family, key) { $0.map { Array($0) } }
    }

    func counter(_ family: Family, _ key: [UInt8]) throws -> Int64 {
        try withPinned(family, key) { try $0.map { try CounterValue.decode($0) } ?? 0 }
    }

    private func withPinned<Result>(
        _ family: Family, _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws -> Result
    ) throws -> Result {
        let pinned = try key.withUnsafeBytes { key in
            try RocksCall.checked {
                rocksdb_get_pinned_cf(handle.database, options, handle.family(family), key.chars, key.count, $0)
            }
        }
        guard let pinned else { return try body(nil) }
        defer { rocksdb_pinnableslice_destroy(pinned) }
        return try body(Self.bytes(pinned))
    }

    private static func bytes(_ pinned: OpaquePointer) -> UnsafeRawBufferPointer {
        var length = 0
        let value = rocksdb_pinnableslice_value(pinned, &length)
        return UnsafeRawBufferPointer(chars: value, count: length)
    }

    func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] {
        guard !keys.isEmpty else { return [] }
        var values = [OpaquePointer?](repeating: nil, count: keys.count)
        var errors = [UnsafeMutablePointer<CChar>?](repeating: nil, count: keys.count)
        defer { values.forEach { rocksdb_pinnableslice_destroy($0) } }
        // One buffer holds all keys, so that every pointer stays valid during the call.
        keys.flatMap { $0 }.withUnsafeBytes { buffer in
            var offset = 0
            let starts = keys.map { key in
                defer { offset += key.count }
                return buffer.chars.map { $0 + offset }
            }
            rocksdb_batched_multi_get_cf(
                handle.database, options, handle.family(family), keys.count, starts, keys.map(\.count),
                &values, &errors, false)
        }
        let failures = errors.compactMap { $0.map { RocksCall.error(taking: $0) } }
        if let failure = failures.first { throw failure }
        return values.map { $0.map { Array(Self.bytes($0)) } }
    }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        // RocksDB keeps the pointers to the bounds, so the iterator lives inside these two closures.
        try from.withUnsafeBytes { from in
            try to.withUnsafeBytes { to in
                let options = Self.makeOptions(snapshot)
                defer { rocksdb_readoptions_destroy(options) }
                if !from.isEmpty { rocksdb_readoptions_set_iterate_lower_bound(options, from.chars, from.count) }
                if !to.isEmpty { rocksdb_readoptions_set_iterate_upper_bound(options, to.chars, to.count) }
                let iterator = rocksdb_create_iterator_cf(handle.database, options, handle.family(family))
                defer { rocksdb_iter_destroy(iterator) }
                try Self.walk(iterator, reverse, body)
            }
        }
    }

    private static func walk(
        _ iterator: OpaquePointer?, _ reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        if reverse { rocksdb_iter_seek_to_last(iterator) } else { rocksdb_iter_seek_to_first(iterator) }
        while rocksdb_iter_valid(iterator) != 0 {
            var (keyLength, valueLength) = (0, 0)
            let key = rocksdb_iter_key(iterator, &keyLength)
            let value = rocksdb_iter_value(iterator, &valueLength)
            let goOn = try body(
                UnsafeRawBufferPointer(chars: key, count: keyLength),
                UnsafeRawBufferPointer(chars: value, count: valueLength))
            guard goOn else { return }
            if reverse { rocksdb_iter_prev(iterator) } else { rocksdb_iter_next(iterator) }
        }
        try RocksCall.checked { rocksdb_iter_get_error(iterator, $0) }
    }

    private static func makeOptions(_ snapshot: OpaquePointer?) -> OpaquePointer? {
        let options = rocksdb_readoptions_create()
        rocksdb_readoptions_set_verify_checksums(options, 1)
        if let snapshot { rocksdb_readoptions_set_snapshot(options, snapshot) }
        return options
    }
}
