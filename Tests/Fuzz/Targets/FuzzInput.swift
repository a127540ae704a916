import NIOCore

/// The fuzzer's bytes, taken from the front. What is not there reads as zeroes, so that every input means something.
struct FuzzInput {
    private var bytes: UnsafeRawBufferPointer.SubSequence

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes[...]
    }

    var isEmpty: Bool { bytes.isEmpty }

    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    mutating func flag() -> Bool { byte() & 1 == 1 }

    mutating func number<T: FixedWidthInteger>(_ type: T.Type) -> T {
        var value = T(0)
        for shift in stride(from: 0, to: T.bitWidth, by: 8) { value |= T(truncatingIfNeeded: byte()) << T(shift) }
        return value
    }

    /// One of these; `choices` must not be empty.
    mutating func one<T>(of choices: [T]) -> T { choices[Int(byte()) % choices.count] }

    /// As many as asked for, or as there are.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { bytes = bytes.dropFirst(count) }
        return Array(bytes.prefix(count))
    }

    /// A length, and then as many bytes.
    mutating func block() -> [UInt8] { take(Int(byte())) }

    mutating func rest() -> [UInt8] { take(bytes.count) }
}

/// Numbers that an input's one byte decides: where to cut, what to fill with.
struct SmallChance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt8) {
        state = 0x9E37_79B9_7F4A_7C15 &* (UInt64(seed) + 1)
    }

    /// xorshift64* (Vigna, An experimental exploration of Marsaglia's xorshift generators, 2016).
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}

extension ByteBuffer {
    var array: [UInt8] { withUnsafeReadableBytes { [UInt8]($0) } }

    /// These bytes in pieces of one to `most` bytes.
    func pieces(of most: Int, _ chance: inout SmallChance) -> [ByteBuffer] {
        var (rest, pieces) = (self, [ByteBuffer]())
        while rest.readableBytes > 0 {
            let length = min(rest.readableBytes, 1 + chance.below(most))
            if let piece = rest.readSlice(length: length) { pieces.append(piece) }
        }
        return pieces
    }
}
