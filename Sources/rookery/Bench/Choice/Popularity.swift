import ArgumentParser

/// How often one user is chosen rather than another: `uniform`, `zipf`, `zipf:0.8`.
enum Popularity: Hashable, Sendable {
    case uniform
    case zipf(exponent: Double)

    static let usualExponent = 0.99
    /// Steeper than this, the first user is all there is.
    static let exponents = 0.01...10

    /// - Throws: `ValidationError` that says what can be given.
    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("uniform", 1): self = .uniform
        case ("zipf", 1): self = .zipf(exponent: Self.usualExponent)
        case ("zipf", 2):
            guard let exponent = Double(parts[1]), Self.exponents.contains(exponent) else {
                throw ValidationError("zipf takes an exponent from 0.01 to 10, not '\(parts[1])'.")
            }
            self = .zipf(exponent: exponent)
        default: throw ValidationError("Please give uniform, zipf or zipf:EXPONENT, not '\(text)'.")
        }
    }
}

extension Popularity: CustomStringConvertible {
    var description: String {
        switch self {
        case .uniform: "uniform"
        case .zipf(let exponent): "zipf:\(exponent)"
        }
    }
}

/// Chooses users by their popularity.
enum UserChooser: Sendable {
    case uniform(count: Int)
    case zipf(Zipf)

    init(_ popularity: Popularity, count: Int) {
        switch popularity {
        case .uniform: self = .uniform(count: count)
        case .zipf(let exponent): self = .zipf(Zipf(count: count, exponent: exponent))
        }
    }

    /// An index, 0..<count.
    func choose(using random: inout SplitMix64) -> Int {
        switch self {
        case .uniform(let count): random.below(count)
        case .zipf(let zipf): zipf.sample(using: &random) - 1
        }
    }
}
