import ArgumentParser
import Foundation
import Testing

@testable import rookery

@Suite("Bench: who and what is chosen")
struct ChoiceTests {
    private static let draws = 200_000

    /// The seed is ROOKERY_SEED, else another one each time; it is printed.
    private func random(for test: String = #function) -> SplitMix64 {
        let given = ProcessInfo.processInfo.environment["ROOKERY_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...9_999_999)
        print("\(test): ROOKERY_SEED=\(seed)")
        return SplitMix64(seed: seed)
    }

    /// How often each of `count` outcomes came.
    private func histogram(_ count: Int, _ draw: () -> Int) -> [Int] {
        (0..<Self.draws).reduce(into: [Int](repeating: 0, count: count)) { counts, _ in counts[draw()] += 1 }
    }

    /// Within six standard deviations of what is expected: one run in hundreds of millions fails by chance.
    private func expectClose(_ seen: Int, _ probability: Double, _ what: String) {
        let expected = Double(Self.draws) * probability
        let deviation = (expected * (1 - probability)).squareRoot()
        #expect(abs(Double(seen) - expected) <= 6 * deviation + 1, "\(what): \(seen) instead of \(expected)")
    }

    @Test("Zipf's ranks come as often as 1 / rank^s", arguments: [0.5, 0.99, 1, 1.5, 3])
    func zipf(exponent: Double) {
        var random = random()
        let zipf = Zipf(count: 50, exponent: exponent)
        let weights = (1...50).map { pow(Double($0), -exponent) }
        let sum = weights.reduce(0, +)
        let seen = histogram(50) { zipf.sample(using: &random) - 1 }
        for (index, weight) in weights.enumerated() { expectClose(seen[index], weight / sum, "rank \(index + 1)") }
    }

    @Test("One user, or very many, are fine")
    func extremes() {
        var random = random()
        for exponent in [Popularity.exponents.lowerBound, 1, Popularity.exponents.upperBound] {
            #expect(Zipf(count: 1, exponent: exponent).sample(using: &random) == 1)
            let many = Zipf(count: 1_000_000_000, exponent: exponent)
            for _ in 0..<10_000 { #expect((1...1_000_000_000).contains(many.sample(using: &random))) }
        }
    }

    @Test("Uniform choice is uniform")
    func uniform() {
        var random = random()
        let chooser = UserChooser(.uniform, count: 30)
        for (user, seen) in histogram(30, { chooser.choose(using: &random) }).enumerated() {
            expectClose(seen, 1 / 30, "user \(user)")
        }
    }

    @Test("A mix has its shares", arguments: Mix.allCases)
    func mix(_ mix: Mix) {
        var random = random()
        let chooser = OperationChooser(mix)
        let seen = histogram(LoadOperation.allCases.count) { chooser.choose(using: &random).index }
        let shares = Dictionary(mix.shares.map { ($0.operation, $0.permille) }) { $0 + $1 }
        #expect(shares.values.reduce(0, +) == 1000)
        for operation in LoadOperation.allCases {
            expectClose(seen[operation.index], Double(shares[operation] ?? 0) / 1000, operation.rawValue)
        }
    }

    @Test("The mixes are what their names promise")
    func shares() {
        func shares(_ mix: Mix) -> [LoadOperation: Int] {
            Dictionary(uniqueKeysWithValues: mix.shares.map { ($0, $1) })
        }
        #expect(shares(.read) == [.home: 999, .post: 1])
        #expect(shares(.dsb) == [.home: 600, .user: 300, .post: 100])
    }

    @Test("Every operation has a place of its own in a tally")
    func indices() {
        #expect(Set(LoadOperation.allCases.map(\.index)) == Set(LoadOperation.allCases.indices))
    }

    @Test("The same seed gives the same choices, another worker others")
    func seeds() {
        func choices(_ seed: UInt64, _ worker: Int) -> [Int] {
            var random = SplitMix64(seed: seed, worker: worker)
            return (0..<100).map { _ in random.below(1000) }
        }
        #expect(choices(7, 0) == choices(7, 0))
        #expect(Set([choices(7, 0), choices(7, 1), choices(8, 0), choices(8, 1)]).count == 4)
    }

    @Test("Texts are what the server takes, and 140 bytes long")
    func texts() {
        // A preload is repeated with the same texts.
        let (texts, again) = (SampleTexts(), SampleTexts())
        for number in 0..<1000 {
            #expect(texts[number].utf8.count == 140 && texts[number].utf8.allSatisfy { $0 == 0x20 || $0 > 0x60 })
            #expect(texts[number] == again[number])
        }
    }

    @Test("Popularity is read as it is written, and nothing else is")
    func popularity() throws {
        #expect(try Popularity("uniform") == .uniform)
        #expect(try Popularity("zipf") == .zipf(exponent: 0.99))
        #expect(try Popularity("zipf:1.5") == .zipf(exponent: 1.5))
        #expect(try Popularity(Popularity.zipf(exponent: 0.7).description) == .zipf(exponent: 0.7))
        for wrong in ["", "zipf:", "zipf:0", "zipf:-1", "zipf:nan", "zipf:inf", "zipf:1:2", "uniform:1", "Uniform"] {
            #expect(throws: ValidationError.self, "\(wrong)") { try Popularity(wrong) }
        }
    }
}
