import Glibc

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
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
    /// A new seed for a test whose claims hold for all of them; `ROOKERY_SEED` replays one. Printed, so that it can be.
    static func fresh(_ test: String = #function) -> UInt64 {
        given(test) ?? announce(UInt64.random(in: 0...UInt64.max), test)
    }

    /// The same seed each time, for a test that measures: a bound on an average is not one on every draw.
    static func fixed(_ seed: UInt64, _ test: String = #function) -> UInt64 {
        given(test) ?? announce(seed, test)
    }

    private static func given(_ test: String) -> UInt64? {
        guard let text = getenv("ROOKERY_SEED"), let seed = UInt64(String(cString: text)) else { return nil }
        return announce(seed, test)
    }

    private static func announce(_ seed: UInt64, _ test: String) -> UInt64 {
        print("\(test): ROOKERY_SEED=\(seed)")
        return seed
    }
}
