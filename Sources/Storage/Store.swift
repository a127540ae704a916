/// Reads rows. Keys are at most `Effects.maxKeyBytes` long and sort bytewise.
public protocol Reader {
    /// The value at `key`, or nil. Throws `.corrupt` when a checksum does not hold, `.io`, `.closed`.
    func get(_ family: Family, _ key: [UInt8]) throws -> [UInt8]?

    /// The counter at `key`; 0 when there is none. Throws `.corrupt` when the value is not a counter.
    func counter(_ family: Family, _ key: [UInt8]) throws -> Int64

    /// One answer for each key, in the order of `keys`; all from one moment.
    func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?]

    /// Calls `body` with each row in `from ..< to`, from the far end when `reverse`, until it returns false.
    /// An empty `from` is the beginning, an empty `to` the end. The rows are those of the moment the scan began;
    /// the pointers are valid until `body` returns. What `body` throws comes out of here.
    func scan(
        _ family: Family, from: [UInt8], to: [UInt8], reverse: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws
}

/// The store as it was at one moment; released with its last reference. Old versions of what changes meanwhile are
/// kept for it, and a store's files stay open, so it should not live long.
public protocol Snapshot: Reader, AnyObject, Sendable {}

/// A node's rows. Every call may come from any thread.
public protocol Store: Reader, AnyObject, Sendable {
    /// All of `batches`, in order, or nothing. With `sync` it returns after the disk has confirmed this and every
    /// write before it. Throws `.io` on a failure, after which the caller ends the process (rule C9).
    func write(_ batches: [Effects], sync: Bool) throws

    func snapshot() -> any Snapshot

    /// Writes what is in memory out to sorted files.
    func flush() throws

    /// A copy of the store in the new directory `path` (which must not exist), sharing files where it can.
    func checkpoint(at path: String) throws

    /// Later calls throw `.closed`; closing again does nothing. Nothing is synced that `write` was not asked to.
    func close()
}

/// A row copied out of a store.
public struct Row: Hashable, Sendable {
    public var key: [UInt8]
    public var value: [UInt8]

    public init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

extension Reader {
    public func counter(_ family: Family, _ key: [UInt8]) throws -> Int64 {
        guard let value = try get(family, key) else { return 0 }
        return try CounterValue.decode(value)
    }

    public func multiGet(_ family: Family, _ keys: [[UInt8]]) throws -> [[UInt8]?] {
        try keys.map { try get(family, $0) }
    }

    /// Up to `limit` rows of `from ..< to`, copied.
    public func rows(
        _ family: Family, from: [UInt8] = [], to: [UInt8] = [], reverse: Bool = false, limit: Int = .max
    ) throws -> [Row] {
        var rows: [Row] = []
        guard limit > 0 else { return rows }
        try scan(family, from: from, to: to, reverse: reverse) { key, value in
            rows.append(Row(key: Array(key), value: Array(value)))
            return rows.count < limit
        }
        return rows
    }

    /// Every row of `families` as readable lines `family key value` in hex; equal stores give equal dumps (rule B4).
    public func dump(_ families: [Family] = Family.allCases) throws -> String {
        var lines = ""
        for family in families {
            try scan(family, from: [], to: [], reverse: false) { key, value in
                lines += "\(family.name) \(hex(key)) \(hex(value))\n"
                return true
            }
        }
        return lines
    }
}

extension Store {
    public func write(_ effects: Effects, sync: Bool) throws {
        try write([effects], sync: sync)
    }
}

private func hex(_ bytes: UnsafeRawBufferPointer) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
