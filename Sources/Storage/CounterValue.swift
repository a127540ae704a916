/// A counter's stored form: an `Int64`, little-endian, eight bytes.
///
/// Sums wrap around. Addition that wraps is associative, so the order in which merges are folded never shows.
public enum CounterValue {
    static let byteCount = 8

    public static func encode(_ value: Int64) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// Throws `StorageError.corrupt` unless there are exactly eight bytes.
    public static func decode(_ bytes: UnsafeRawBufferPointer) throws -> Int64 {
        guard bytes.count == byteCount else {
            throw StorageError.corrupt("a counter of \(bytes.count) bytes, expected \(byteCount)")
        }
        return Int64(littleEndian: bytes.loadUnaligned(as: Int64.self))
    }

    public static func decode(_ bytes: [UInt8]) throws -> Int64 {
        try bytes.withUnsafeBytes { try decode($0) }
    }
}
