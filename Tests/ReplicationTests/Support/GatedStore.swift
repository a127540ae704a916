import Dispatch
import Storage
import Synchronization

/// A store whose synced writes wait at a gate, as they would for a slow disk; or fail.
final class GatedStore: Store {
    private let memory = MemoryStore()
    private let isShut = Mutex(false)
    private let isBroken = Mutex(false)
    private let gate = DispatchSemaphore(value: 0)

    /// The next synced write waits for `open`.
    func shut() { isShut.withLock { $0 = true } }

    func open() { gate.signal() }

    /// Every write from now on fails.
    func breakDown() { isBroken.withLock { $0 = true } }

    func write(_ batches: [Effects], sync: Bool) throws {
        if isBroken.withLock({ $0 }) { throw StorageError.io("the disk is broken") }
        let mustWait =
            sync
            && isShut.withLock { isShut in
                defer { isShut = false }
                return isShut
            }
        // Blocks the node's one writing thread, which is what a slow disk does.
        if mustWait { gate.wait() }
        try memory.write(batches, sync: sync)
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
