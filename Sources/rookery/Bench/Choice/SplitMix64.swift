/// Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators" (2014). Eight bytes of state, so that every
/// worker can own one.
struct SplitMix64: RandomNumberGenerator {
    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The generator of one of many workers: their states are far apart, whatever the seed.
    init(seed: UInt64, worker: Int) {
        var chooser = SplitMix64(seed: seed &+ UInt64(worker) &* 0xD134_2543_DE82_EF95)
        state = chooser.next()
    }

    mutating func next() -> UInt64 {
        state &+= Self.golden
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// 0..<bound, each equally likely but for bound / 2⁶⁴.
    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// 0..<1
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
