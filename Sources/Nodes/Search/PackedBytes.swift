import Cluster

/// Why a block cannot be read.
enum PackedBlockError: Error, Equatable {
    /// The bytes are not those that were written, or not all of them are there.
    case damaged(String)
    /// Written by another version.
    case unknownFormat(UInt8)
}

/// Writes a row of a block: a format byte, fields, and a checksum of both at the end.
struct PackedWriter {
    private(set) var bytes: [UInt8]

    init(format: UInt8) {
        bytes = [format]
    }

    /// Little-endian groups of seven bits, as few as it needs.
    mutating func varint(_ value: UInt64) {
        Self.append(value, to: &bytes)
    }

    mutating func varint(_ value: Int) {
        varint(UInt64(value))
    }

    mutating func fixed64(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func append(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// The row: XXH3-64's lower 32 bits, little-endian, behind what was written.
    consuming func sealed() -> [UInt8] {
        let sum = PackedReader.checksum(bytes[...])
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: sum >> shift)) }
        return bytes
    }

    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Reads a part of a row. Never past its end, and a count that it gives is not trusted until bytes bear it out.
struct PackedReader {
    static let checksumBytes = 4

    let bytes: [UInt8]
    private(set) var index: Int
    private let end: Int

    /// A part of a row whose checksum was verified.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        precondition(range.upperBound <= bytes.count, "the part lies in the row")
        self.bytes = bytes
        index = range.lowerBound
        end = range.upperBound
    }

    /// A whole row: verifies its checksum, then its format.
    init(row: [UInt8], format: UInt8) throws(PackedBlockError) {
        let end = row.count - Self.checksumBytes
        guard end >= 1 else { throw .damaged("a row is too short") }
        var sum: UInt32 = 0
        for byte in row[end...].reversed() { sum = sum << 8 | UInt32(byte) }
        guard sum == Self.checksum(row[..<end]) else { throw .damaged("a row's checksum differs") }
        guard row[0] == format else { throw .unknownFormat(row[0]) }
        self.init(row, 1..<end)
    }

    var remaining: Int { end - index }

    mutating func varint() throws(PackedBlockError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < end {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
            guard shift <= 56 else { break }
        }
        throw .damaged("a number does not end")
    }

    /// A number that counts or places something, so at most `most`.
    mutating func count(atMost most: Int) throws(PackedBlockError) -> Int {
        let value = try varint()
        guard value <= UInt64(most) else { throw .damaged("a count is too large") }
        return Int(value)
    }

    mutating func fixed64() throws(PackedBlockError) -> UInt64 {
        let range = try skip(8)
        return bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Passes over so many bytes, and says where they were.
    @discardableResult
    mutating func skip(_ count: Int) throws(PackedBlockError) -> Range<Int> {
        guard count <= remaining else { throw .damaged("a row ends too early") }
        index += count
        return index - count..<index
    }

    mutating func skipVarints(_ count: Int) throws(PackedBlockError) {
        var left = count
        while left > 0 {
            guard index < end else { throw .damaged("a row ends too early") }
            if bytes[index] < 0x80 { left -= 1 }
            index += 1
        }
    }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: bytes.withUnsafeBytes { Checksum.xxh3($0) })
    }
}
