/// Builds a key: the partition first, then fields big-endian, so that keys sort like what they stand for.
///
///     Key(partition: 7).appending(author).appending(descending: tweet).bytes
///
/// Bytes of a length that varies can only be the last field, or keys of different shape would mix in the order.
public struct Key: Hashable, Sendable {
    public private(set) var bytes: [UInt8]

    public init(partition: UInt16) {
        bytes = []
        bytes.reserveCapacity(32)
        append(partition)
    }

    public mutating func append(_ field: UInt8) { bytes.append(field) }

    public mutating func append(_ field: UInt16) { appendBigEndian(field) }

    public mutating func append(_ field: UInt32) { appendBigEndian(field) }

    public mutating func append(_ field: UInt64) { appendBigEndian(field) }

    /// Sorts the largest first.
    public mutating func append(descending field: UInt64) { appendBigEndian(~field) }

    public mutating func append(_ field: some Sequence<UInt8>) { bytes.append(contentsOf: field) }

    public consuming func appending(_ field: UInt8) -> Key {
        append(field)
        return self
    }

    public consuming func appending(_ field: UInt16) -> Key {
        append(field)
        return self
    }

    public consuming func appending(_ field: UInt32) -> Key {
        append(field)
        return self
    }

    public consuming func appending(_ field: UInt64) -> Key {
        append(field)
        return self
    }

    public consuming func appending(descending field: UInt64) -> Key {
        append(descending: field)
        return self
    }

    public consuming func appending(_ field: some Sequence<UInt8>) -> Key {
        append(field)
        return self
    }

    /// The exclusive end of the keys that begin with this one.
    public var prefixEnd: [UInt8] { Storage.prefixEnd(bytes) }

    private mutating func appendBigEndian(_ field: some FixedWidthInteger) {
        withUnsafeBytes(of: field.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Takes a key apart again, in the order in which `Key` built it. A key that is too short is `StorageError.corrupt`.
public struct KeyReader {
    private var rest: UnsafeRawBufferPointer

    /// The reader must not outlive the memory behind `key` (a scan's key lives until its closure returns).
    public init(_ key: UnsafeRawBufferPointer) { rest = key }

    public mutating func uint8() throws -> UInt8 { try take() }

    public mutating func uint16() throws -> UInt16 { try take() }

    public mutating func uint32() throws -> UInt32 { try take() }

    public mutating func uint64() throws -> UInt64 { try take() }

    public mutating func descendingUInt64() throws -> UInt64 { ~(try uint64()) }

    public mutating func bytes(_ count: Int) throws -> [UInt8] {
        guard count >= 0, count <= rest.count else { throw StorageError.corrupt("a key that is too short") }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
        return Array(rest.prefix(count))
    }

    /// All that is left.
    public mutating func remaining() -> [UInt8] {
        defer { rest = UnsafeRawBufferPointer(start: nil, count: 0) }
        return Array(rest)
    }

    public var isAtEnd: Bool { rest.isEmpty }

    private mutating func take<Field: FixedWidthInteger>() throws -> Field {
        let size = MemoryLayout<Field>.size
        guard rest.count >= size else { throw StorageError.corrupt("a key that is too short") }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(size)) }
        return Field(bigEndian: rest.loadUnaligned(as: Field.self))
    }
}
