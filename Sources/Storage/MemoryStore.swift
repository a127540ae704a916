import Synchronization

/// A store without files, with the semantics of `RocksStore`: for simulations and tests.
/// It forgets everything with its last reference.
public final class MemoryStore: Store {
    /// Nil after `close`.
    private let contents: Mutex<MemoryContents?>

    public init() {
        contents = Mutex(MemoryContents())
    }

    private func current() throws -> MemoryContents {
        guard let now = contents.withLock({ $0 }) else { throw StorageError.closed }
        return now
    }

    public func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? {
        try current().get(family, key)
    }

    public func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] {
        let now = try current()
        return keys.map { now.get(family, $0) }
    }

    public func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try current().scan(family, from: from, to: to, reverse: reverse, body)
    }

    /// Throws `.corrupt`, and changes nothing, when a merge meets a value that is not a counter.
    /// (`RocksStore` finds that out at the first read.)
    public func write(_ batches: [Effects], sync: Bool) throws {
        try contents.withLock { contents in
            guard var next = contents else { throw StorageError.closed }
            for effects in batches { try effects.forEach { try next.apply($0) } }
            contents = next
        }
    }

    public func snapshot() -> any Snapshot {
        MemorySnapshot(contents: contents.withLock { $0 })
    }

    public func flush() throws { _ = try current() }

    /// Always throws `.unsupported`.
    public func checkpoint(at path: String) throws {
        throw StorageError.unsupported("a memory store has no files to copy to \(path)")
    }

    public func close() {
        contents.withLock { $0 = nil }
    }
}

private final class MemorySnapshot: Snapshot {
    private let contents: MemoryContents?

    init(contents: MemoryContents?) { self.contents = contents }

    private func opened() throws -> MemoryContents {
        guard let contents else { throw StorageError.closed }
        return contents
    }

    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]? {
        try opened().get(family, key)
    }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try opened().scan(family, from: from, to: to, reverse: reverse, body)
    }
}

/// A value: copying it is taking a snapshot.
private struct MemoryContents: Sendable {
    private var families = [OrderedMap<[UInt8]>](repeating: OrderedMap(), count: Family.allCases.count)

    func get(_ family: Family, _ key: [UInt8]) -> [UInt8]? { families[family.slot][key] }

    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try families[family.slot].forEach(from: from, to: to, reverse: reverse) { key, value in
            try key.withUnsafeBytes { key in try value.withUnsafeBytes { value in try body(key, value) } }
        }
    }

    mutating func apply(_ operation: Effects.RawOperation) throws {
        let slot = operation.family.slot
        let key = Array(operation.first)
        switch operation.kind {
        case .put: families[slot][key] = Array(operation.second)
        case .delete: families[slot][key] = nil
        case .merge:
            let before = try families[slot][key].map { try CounterValue.decode($0) } ?? 0
            families[slot][key] = CounterValue.encode(before &+ operation.delta)
        case .deleteRange: families[slot].removeRange(from: key, to: Array(operation.second))
        }
    }
}
