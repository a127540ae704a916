/// One node's scores for a region's partitions, from XXH3 of its name and the partition.
///
/// In weighted rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998;
/// weighted by Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005) each node draws a number u
/// between 0 and 1 for each partition, and the least −ln(u) / weight wins. Here a node's draws are *stratified*: there
/// is exactly one in each of `count` equal parts, and a keyed permutation says which partition gets which. A node then
/// likes as many partitions much as it should, not only on average, and the bound on its load has less to correct:
/// that halves the variance of the load for one replica and cuts it to a third for three.
struct Preference {
    private struct Round {
        var factor: UInt64
        var inverse: UInt64
        var summand: UInt64
    }

    private let seed: UInt64
    private let count: Int
    private let mask: UInt64
    private let shift: UInt64
    private let rounds: [Round]

    /// - Parameters:
    ///   - name: a node's id, or a zone's name.
    ///   - kind: separates the names of different kinds of things.
    ///   - count: the region's partitions.
    init(name: String, kind: UInt64, count: Int) {
        let seed = Checksum.xxh3(Array(name.utf8), seed: kind)
        let bits = max(1, UInt64.bitWidth - (count - 1).leadingZeroBitCount)
        self.seed = seed
        self.count = count
        mask = 1 << UInt64(bits) - 1
        // At least half of the bits, so that `x ^ x >> shift` is its own inverse.
        shift = UInt64((bits + 1) / 2)
        rounds = (1...4).map { number in
            let factor = Preference.mix(seed, 2 * number) | 1
            return Round(
                factor: factor, inverse: Preference.inverse(of: factor), summand: Preference.mix(seed, 2 * number + 1))
        }
    }

    /// The partition (counted from the region's first) that is the `rank`th dearest, from 0.
    func partition(atRank rank: Int) -> Int {
        var x = UInt64(rank)
        // Cycle walking: a permutation of a power of two, repeated until it lands within the count, is one of the
        // count.
        repeat { x = forward(x) } while x >= UInt64(count)
        return Int(x)
    }

    /// How many partitions are dearer than this one.
    func rank(of partition: Int) -> Int {
        var x = UInt64(partition)
        repeat { x = backward(x) } while x >= UInt64(count)
        return Int(x)
    }

    /// −ln(u): exponentially distributed, smaller is dearer, and the dearer the smaller the rank.
    func score(rank: Int, partition: Int) -> Double {
        let within = (Double(hash(partition) >> 11) + 0.5) * 0x1p-53
        return -Logarithm.ln(1 - (Double(rank) + within) / Double(count))
    }

    private func hash(_ partition: Int) -> UInt64 {
        withUnsafeBytes(of: (seed.littleEndian, UInt64(partition).littleEndian), Checksum.xxh3)
    }

    private func forward(_ start: UInt64) -> UInt64 {
        var x = start
        for round in rounds {
            x = (x &* round.factor &+ round.summand) & mask
            x ^= x >> shift
        }
        return x
    }

    private func backward(_ end: UInt64) -> UInt64 {
        var x = end
        for round in rounds.reversed() {
            x ^= x >> shift
            x = ((x &- round.summand) &* round.inverse) & mask
        }
        return x
    }

    private static func mix(_ seed: UInt64, _ number: Int) -> UInt64 {
        withUnsafeBytes(of: (seed.littleEndian, UInt64(number).littleEndian), Checksum.xxh3) >> 7
    }

    /// The inverse of an odd number modulo 2⁶⁴: Newton's iteration doubles the right bits, from three, each time.
    private static func inverse(of odd: UInt64) -> UInt64 {
        (0..<5).reduce(odd) { x, _ in x &* (2 &- odd &* x) }
    }
}
