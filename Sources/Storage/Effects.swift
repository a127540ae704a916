/// What a log entry changes: puts, deletes and merges in call order, in a form that is the same on every node.
///
/// The value *is* its binary form, so that encoding costs nothing and applying allocates nothing per operation.
/// The form is a sequence of operations without a header. Each is
///
///     kind      1 byte     1 put, 2 delete, 3 merge, 4 delete range
///     family    1 byte     `Family.rawValue`
///     length    varint     of the first field; 1 ... 1024
///     first     bytes      the key; of a delete range the first key
///     then, by kind:
///       put           length varint (0 ... 16 MiB), value
///       delete        nothing
///       merge         8 bytes: the delta, Int64, little-endian
///       delete range  length varint (1 ... 1024), the end key, exclusive, above the first
///
/// A varint is little-endian in groups of seven bits and as short as possible, at most four bytes here. There is
/// one encoding for one sequence of operations: equal effects are equal bytes. At most 64 MiB are decoded.
public struct Effects: Sendable, Equatable {
    public static let maxKeyBytes = 1024
    public static let maxValueBytes = 16 << 20
    public static let maxEncodedBytes = 64 << 20

    enum Kind: UInt8 {
        case put = 1
        case delete = 2
        case merge = 3
        case deleteRange = 4
    }

    /// One change, copied out; for tests and tools. The write path walks the bytes instead.
    public enum Operation: Sendable, Equatable {
        case put(Family, key: [UInt8], value: [UInt8])
        case delete(Family, key: [UInt8])
        case merge(Family, key: [UInt8], delta: Int64)
        case deleteRange(Family, from: [UInt8], to: [UInt8])
    }

    private(set) var bytes: [UInt8]

    public init() { bytes = [] }

    /// `bytes` were checked by the caller.
    init(checked bytes: [UInt8]) { self.bytes = bytes }

    public var isEmpty: Bool { bytes.isEmpty }

    /// The length of the binary form in bytes.
    public var encodedSize: Int { bytes.count }

    /// Keys are 1 to `maxKeyBytes` bytes, values at most `maxValueBytes`; anything else is a programming error.
    public mutating func put(_ family: Family, _ key: [UInt8], _ value: [UInt8]) {
        precondition(value.count <= Self.maxValueBytes, "a value of \(value.count) bytes")
        begin(.put, family, key)
        appendLength(value.count)
        bytes.append(contentsOf: value)
    }

    public mutating func delete(_ family: Family, _ key: [UInt8]) {
        begin(.delete, family, key)
    }

    /// Adds `delta` to the counter at `key`; a missing one counts as 0. The key must hold a counter or nothing.
    public mutating func merge(_ family: Family, _ key: [UInt8], delta: Int64) {
        begin(.merge, family, key)
        withUnsafeBytes(of: delta.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Deletes every key in `from ..< to`; nothing when the range is empty. For the rare and large: each range
    /// stays in the store as a tombstone that reads have to pass until compaction drops it.
    public mutating func deleteRange(_ family: Family, from: [UInt8], to: [UInt8]) {
        precondition(!to.isEmpty, "a range to delete needs an end")
        guard KeyOrder.precedes(from, to) else { return }
        precondition(to.count <= Self.maxKeyBytes, "a key of \(to.count) bytes")
        begin(.deleteRange, family, from)
        appendLength(to.count)
        bytes.append(contentsOf: to)
    }

    /// The operations of `other`, after those that are here.
    public mutating func append(_ other: Effects) {
        bytes.append(contentsOf: other.bytes)
    }

    public func encode() -> [UInt8] { bytes }

    private mutating func begin(_ kind: Kind, _ family: Family, _ key: [UInt8]) {
        precondition((1...Self.maxKeyBytes).contains(key.count), "a key of \(key.count) bytes")
        bytes.append(kind.rawValue)
        bytes.append(family.rawValue)
        appendLength(key.count)
        bytes.append(contentsOf: key)
    }

    private mutating func appendLength(_ length: Int) {
        var rest = UInt32(length)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
