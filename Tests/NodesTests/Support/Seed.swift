import Glibc
import Synchronization

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

enum Seed {
    /// A new seed for a story that must hold for all of them; `ROOKERY_SEED` replays one. Printed, so that it can be.
    static func fresh(_ story: String = #function) -> UInt64 {
        let given = getenv("ROOKERY_SEED").flatMap { UInt64(String(cString: $0)) }
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("\(story): ROOKERY_SEED=\(seed)")
        return seed
    }
}

/// A seeded generator that many tasks draw from.
final class Dice: Sendable {
    private let generator: Mutex<SeededGenerator>

    init(seed: UInt64) {
        generator = Mutex(SeededGenerator(seed: seed))
    }

    func next() -> UInt64 { generator.withLock { $0.next() } }

    func roll(_ range: Range<Int>) -> Int { generator.withLock { Int.random(in: range, using: &$0) } }

    /// True in so many of a hundred throws.
    func percent(_ chance: Int) -> Bool { roll(0..<100) < chance }

    func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[roll(0..<elements.count)]
    }
}
