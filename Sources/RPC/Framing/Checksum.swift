import CXXHash

/// The wire's checksum: the low 32 bits of XXH3-64.
func wireChecksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(truncatingIfNeeded: XXH3_64bits(bytes.baseAddress, bytes.count))
}
