import Dispatch
import Glibc
import Storage
import Synchronization

/// A store that forgets at a crash what was not synced. Its write-ahead log keeps the order, so what is left of the
/// unsynced tail is a beginning of it, of any length: the crash chooses.
///
/// Whoever goes on writing to it after the crash writes to nowhere: a killed node cannot change what its successor
/// finds.
final class ForgetfulStore: Store {
    private struct Disk: Sendable {
        var synced: any Snapshot
        var tail: [[Effects]] = []
    }

    /// Lets others go first before a scan, so that writes come between the reads of what should be one moment.
    let dawdles = Atomic<Bool>(false)
    /// The disk fails whenever a block of the search index is written.
    let failsOnBlocks = Atomic<Bool>(false)
    /// While it is there, whoever reads all hashtags waits at it, as if there were very many.
    let tagsDoor = Mutex<DispatchSemaphore?>(nil)
    /// As many have come to the door.
    let atDoor = Atomic(0)
    private let memory: MemoryStore
    private let disk: Mutex<Disk>

    convenience init() {
        self.init(MemoryStore())
    }

    private init(_ memory: MemoryStore) {
        self.memory = memory
        disk = Mutex(Disk(synced: memory.snapshot()))
    }

    /// What a new start finds on the disk.
    func crash(_ dice: Dice) throws -> ForgetfulStore {
        let (synced, tail) = disk.withLock { ($0.synced, $0.tail) }
        let found = MemoryStore()
        var effects = Effects()
        for family in Family.allCases {
            for row in try synced.rows(family) { effects.put(family, row.key, row.value) }
        }
        try found.write(effects, sync: true)
        for batches in tail.prefix(dice.roll(0..<tail.count + 1)) { try found.write(batches, sync: true) }
        return ForgetfulStore(found)
    }

    func write(_ batches: [Effects], sync: Bool) throws {
        if failsOnBlocks.load(ordering: .relaxed) {
            for batch in batches {
                try Effects.forEachPut(in: .search, of: batch.encode()) { _ in
                    throw StorageError.io("the disk is broken")
                }
            }
        }
        // Under the lock: the snapshot must hold exactly the writes before it.
        try disk.withLock { disk in
            try memory.write(batches, sync: sync)
            if sync {
                disk = Disk(synced: memory.snapshot())
            } else {
                disk.tail.append(batches)
            }
        }
    }

    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? { try memory.get(family, key) }

    func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] { try memory.multiGet(family, keys) }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        dawdle()
        try memory.scan(family, from: from, to: to, reverse: reverse, body)
    }

    fileprivate func waitAtDoor(_ family: Family) {
        guard family == .tags, let door = tagsDoor.withLock({ $0 }) else { return }
        atDoor.add(1, ordering: .relaxed)
        // Bounded, so that a story that does not open it fails.
        if door.wait(timeout: .now() + .seconds(30)) == .success { door.signal() }
    }

    fileprivate func dawdle() {
        guard dawdles.load(ordering: .relaxed) else { return }
        for _ in 0..<50 { sched_yield() }
    }

    func snapshot() -> any Snapshot { SlowSnapshot(inner: memory.snapshot(), store: self) }

    func flush() throws { try memory.flush() }

    func checkpoint(at path: String) throws { try memory.checkpoint(at: path) }

    /// The store outlives the nodes that use it.
    func close() {}
}

private final class SlowSnapshot: Snapshot {
    private let inner: any Snapshot
    private let store: ForgetfulStore

    init(inner: any Snapshot, store: ForgetfulStore) {
        self.inner = inner
        self.store = store
    }

    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? { try inner.get(family, key) }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        store.dawdle()
        store.waitAtDoor(family)
        try inner.scan(family, from: from, to: to, reverse: reverse, body)
    }
}
