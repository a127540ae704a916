import CXXHash

/// XXH3-64 (Yann Collet, xxHash 0.8): the hash behind names' partitions, placement and checksums. Not for secrets.
public enum Checksum {
    public static func xxh3(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        XXH3_64bits(bytes.baseAddress, bytes.count)
    }

    public static func xxh3(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes(xxh3)
    }

    /// Different seeds give unrelated hashes of the same bytes.
    public static func xxh3(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { XXH3_64bits_withSeed($0.baseAddress, $0.count, seed) }
    }
}
