import Storage
import Synchronization

/// A store on a disk that forgets what was not synced. Writes are kept in order, as RocksDB's write-ahead log keeps them:
/// a sync makes everything before it durable, and a power cut leaves the synced ones and some of those behind.
final class ForgetfulStore: Store {
    private struct State: Sendable {
        var live = MemoryStore()
        var writes: [Effects] = []
        var synced = 0
        var writesLeft = Int.max
    }

    struct PowerCut: Error {}

    private let state: Mutex<State>
    private let heedsSync: Bool

    /// - Parameter heedsSync: false: a disk that lies; it shows what the tests are worth.
    init(heedsSync: Bool = true) {
        self.heedsSync = heedsSync
        state = Mutex(State())
    }

    private init(replaying writes: [Effects], heedsSync: Bool) throws {
        self.heedsSync = heedsSync
        var first = State()
        for write in writes { try first.live.write(write, sync: false) }
        first.writes = writes
        first.synced = writes.count
        state = Mutex(first)
    }

    /// The power goes after this many more writes: later ones fail.
    func cutPower(after writes: Int) { state.withLock { $0.writesLeft = writes } }

    /// What is there when the power is back.
    /// - Parameter kept: how many of the unsynced writes had reached the disk all the same.
    func afterPowerCut(keeping kept: (_ unsynced: Int) -> Int) throws -> ForgetfulStore {
        let writes = state.withLock { state in
            Array(state.writes.prefix(state.synced + kept(state.writes.count - state.synced)))
        }
        return try ForgetfulStore(replaying: writes, heedsSync: heedsSync)
    }

    func write(_ batches: [Effects], sync: Bool) throws {
        try state.withLock { state in
            guard state.writesLeft > 0 else { throw PowerCut() }
            state.writesLeft -= 1
            var all = Effects()
            for batch in batches { all.append(batch) }
            try state.live.write(all, sync: sync)
            state.writes.append(all)
            if sync, heedsSync { state.synced = state.writes.count }
        }
    }

    private var live: MemoryStore { state.withLock { $0.live } }

    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? { try live.get(family, key) }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try live.scan(family, from: from, to: to, reverse: reverse, body)
    }

    func snapshot() -> any Snapshot { live.snapshot() }
    func flush() throws {}
    func checkpoint(at path: String) throws { try live.checkpoint(at: path) }
    func close() {}
}
