import Synchronization

/// A store in RocksDB: a column family for each `Family`, one write-ahead log for all of them.
public final class RocksStore: Store {
    /// Nil after `close`. The lock is held only to copy the reference: calls run beside each other, and one that
    /// is under way while the store closes still has an open database.
    private let reader: Mutex<RocksReader?>
    private let sync: Bool

    /// Opens or makes the database in the directory `path`. Throws `.io`, or `.corrupt` when what is there cannot
    /// be read.
    ///
    /// `sync: false` makes `write(_:sync: true)` return before the disk has confirmed anything. It is for
    /// measurements, and for the test that shows what syncing is worth.
    public init(path: String, sync: Bool = true, settings: RocksSettings = RocksSettings()) throws {
        try Self.makeDirectory(path)
        let handle = try RocksHandle(path: path, settings: settings)
        reader = Mutex(RocksReader(handle, ofThisMoment: false))
        self.sync = sync
    }

    /// RocksDB would make it, too, but not sync its parent: a crash could then lose the whole directory.
    private static func makeDirectory(_ path: String) throws {
        do {
            try FileOperation.makeDirectories(path)
        } catch {
            throw StorageError.io("\(path): \(error.description)")
        }
    }

    private func opened() throws -> RocksReader {
        guard let reader = reader.withLock({ $0 }) else { throw StorageError.closed }
        return reader
    }

    public func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? {
        try opened().get(family, key)
    }

    public func counter(_ family: Family, _ key: [UInt8]) throws -> Int64 {
        try opened().counter(family, key)
    }

    public func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] {
        // RocksDB reads a batch from one version of the family.
        try opened().multiGet(family, keys)
    }

    public func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try opened().scan(family, from: from, to: to, reverse: reverse, body)
    }

    public func write(_ batches: [Effects], sync: Bool) throws {
        try opened().handle.write(batches, sync: sync && self.sync)
    }

    public func snapshot() -> any Snapshot {
        let handle = reader.withLock { $0 }?.handle
        return RocksSnapshot(handle.map { RocksReader($0, ofThisMoment: true) })
    }

    public func flush() throws {
        try opened().handle.flush()
    }

    public func checkpoint(at path: String) throws {
        try opened().handle.checkpoint(at: path)
    }

    /// The files are let go when the calls that are under way have returned and the last snapshot is gone.
    public func close() {
        // Taken out first: closing RocksDB can take long, and the lock must not be held meanwhile.
        let last = reader.withLock { reader in
            defer { reader = nil }
            return reader
        }
        withExtendedLifetime(last) {}
    }

    /// A figure of RocksDB's, such as `rocksdb.estimate-num-keys` or `rocksdb.total-sst-files-size`, summed over
    /// the families; nil when it has no such figure.
    public func property(_ name: String) throws -> UInt64? {
        try opened().handle.property(name)
    }
}

private final class RocksSnapshot: Snapshot {
    /// Nil when it was taken from a closed store.
    private let reader: RocksReader?

    init(_ reader: RocksReader?) { self.reader = reader }

    private func opened() throws -> RocksReader {
        guard let reader else { throw StorageError.closed }
        return reader
    }

    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? {
        try opened().get(family, key)
    }

    func counter(_ family: Family, _ key: [UInt8]) throws -> Int64 {
        try opened().counter(family, key)
    }

    func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] {
        try opened().multiGet(family, keys)
    }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try opened().scan(family, from: from, to: to, reverse: reverse, body)
    }
}
