import Cluster

/// Says of a term that a block does not hold it, or that it may: ten bits a term for one wrong "may" in a hundred.
///
/// Source: Bloom, Space/time trade-offs in hash coding with allowable errors, 1970; two hashes that stand for all of
/// them: Kirsch, Mitzenmacher, Less hashing, same performance, 2006.
struct TermFilter: Hashable, Sendable {
    static let bitsPerTerm = 10
    /// What makes the fewest errors at ten bits: 10 · ln 2.
    private static let probes: UInt32 = 7

    /// Not empty.
    private(set) var bits: [UInt8]

    /// A filter that holds nothing yet.
    init(terms: Int) {
        bits = [UInt8](repeating: 0, count: max(1, (terms * Self.bitsPerTerm + 7) / 8))
    }

    /// - Parameter bits: another filter's; not empty.
    init(bits: [UInt8]) {
        precondition(!bits.isEmpty, "a filter has bits")
        self.bits = bits
    }

    mutating func insert(_ term: Span<UInt8>) {
        for place in places(of: term) { bits[place >> 3] |= 1 << UInt8(place & 7) }
    }

    func mayHold(_ term: Span<UInt8>) -> Bool {
        places(of: term).allSatisfy { bits[$0 >> 3] & 1 << UInt8($0 & 7) != 0 }
    }

    private func places(of term: Span<UInt8>) -> some Sequence<Int> {
        let hash = term.withUnsafeBytes { Checksum.xxh3($0) }
        let (first, step) = (UInt32(truncatingIfNeeded: hash), UInt32(truncatingIfNeeded: hash >> 32) | 1)
        let count = UInt64(bits.count) * 8
        // A product's upper half spreads 32 bits evenly over any count, without a division.
        return (0..<Self.probes).lazy.map { Int((UInt64(first &+ $0 &* step) * count) >> 32) }
    }
}
