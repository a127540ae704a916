import Foundation

/// Input that nobody of this project wrote, which lies beside the project or where ROOKERY_DATA says.
enum TestData {
    private static let variables = ProcessInfo.processInfo.environment

    static let path = variables["ROOKERY_DATA"] ?? Program.project + "/../shared/data"

    static let isThere = ["graphs/socfb-Reed98.edges", "tweets/tweets.txt"].allSatisfy {
        FileManager.default.fileExists(atPath: "\(path)/\($0)")
    }

    /// Set where a missing file must not go unnoticed.
    static let isRequired = variables["ROOKERY_REQUIRE_DATA"] == "1"
}

/// SplitMix64: chance that can be had again from its printed seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// The seed is ROOKERY_SEED, else another one each time; it is printed.
    init(for test: String) {
        let seed = ProcessInfo.processInfo.environment["ROOKERY_SEED"].flatMap { UInt64($0) }
        state = seed ?? UInt64.random(in: 0...9_999_999)
        print("\(test): ROOKERY_SEED=\(state)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
