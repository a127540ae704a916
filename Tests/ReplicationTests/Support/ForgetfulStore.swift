import Storage
import Synchronization

/// A store whose disk forgets: it keeps every write in order and knows how many of them a loss of power cannot take.
/// A write that is synced saves all before it, as a write-ahead log does.
final class ForgetfulStore: Store {
    private struct History: Sendable {
        var writes: [[Effects]] = []
        var synced = 0
    }

    private let memory = MemoryStore()
    private let history = Mutex(History())
    /// False for a disk that says it has synced and has not.
    private let honoursSync: Bool

    init(honoursSync: Bool = true) { self.honoursSync = honoursSync }

    var writeCount: Int { history.withLock { $0.writes.count } }

    /// The first so many writes stay, whatever happens.
    var syncedCount: Int { history.withLock { $0.synced } }

    /// What is found after a loss of power that kept the first `count` writes; they are on the disk by then.
    func afterPowerLoss(keeping count: Int) throws -> ForgetfulStore {
        let found = ForgetfulStore(honoursSync: honoursSync)
        for write in history.withLock({ $0.writes }).prefix(count) { try found.write(write, sync: false) }
        found.history.withLock { $0.synced = count }
        return found
    }

    func write(_ batches: [Effects], sync: Bool) throws {
        // In one step, so that the history is in the order of the effects.
        try history.withLock { history in
            try memory.write(batches, sync: sync)
            history.writes.append(batches)
            if sync, honoursSync { history.synced = history.writes.count }
        }
    }

    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? { try memory.get(family, key) }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try memory.scan(family, from: from, to: to, reverse: reverse, body)
    }

    func snapshot() -> any Snapshot { memory.snapshot() }

    func flush() throws { try memory.flush() }

    func checkpoint(at path: String) throws { try memory.checkpoint(at: path) }

    func close() { memory.close() }
}
