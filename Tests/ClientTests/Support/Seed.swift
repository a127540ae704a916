import Foundation

/// Chance that can be had again: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// A fresh seed each run, printed; ROOKERY_SEED replays one.
    static func fresh(_ test: String = #function) -> UInt64 {
        let wanted = ProcessInfo.processInfo.environment["ROOKERY_SEED"].flatMap { UInt64($0) }
        let seed = wanted ?? UInt64.random(in: 0 ... .max)
        print("\(test): ROOKERY_SEED=\(seed)")
        return seed
    }
}
