/// What a sketch can count. The hash is the same in every process, so that equal streams make equal sketches; the seed
/// keeps who chooses keys from choosing such as collide.
public protocol SketchKey: Hashable, Comparable, Sendable {
    func sketchHash(seed: UInt64) -> UInt64
}

extension UInt64: SketchKey {
    public func sketchHash(seed: UInt64) -> UInt64 { Self.mixed(self ^ seed) }

    /// The finalizer of SplitMix64 (Steele, Lea, Flood, 2014): each bit of the result depends on all of the value.
    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// Strings must be normalized: Swift holds two spellings of "é" for equal, and their bytes are not.
extension String: SketchKey {
    public func sketchHash(seed: UInt64) -> UInt64 {
        utf8.withContiguousStorageIfAvailable { Self.hash(UnsafeRawBufferPointer($0), seed: seed) }
            ?? Array(utf8).withUnsafeBytes { Self.hash($0, seed: seed) }
    }

    /// Eight bytes at a time, the last ones filled up with zeros; the length tells apart what that makes equal.
    private static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var hash = UInt64.mixed(seed ^ UInt64(bytes.count))
        var start = 0
        while start + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            hash = UInt64.mixed(hash ^ word)
            start += 8
        }
        let rest = bytes[start...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return start < bytes.count ? UInt64.mixed(hash ^ rest) : hash
    }
}
