import Glibc
import Testing

@testable import Cluster

@Suite struct PreferenceTests {
    @Test(arguments: [1, 2, 3, 21, 64, 1000, 4096]) func everyPartitionHasOneRank(count: Int) {
        let preference = Preference(name: "n1", kind: 1, count: count)
        let partitions = (0..<count).map { preference.partition(atRank: $0) }
        #expect(partitions.sorted() == Array(0..<count))
        #expect(partitions.map { preference.rank(of: $0) } == Array(0..<count))
    }

    @Test func scoresGrowWithTheRankAndAverageOne() {
        let preference = Preference(name: "n1", kind: 1, count: 1000)
        let scores = (0..<1000).map { preference.score(rank: $0, partition: preference.partition(atRank: $0)) }
        #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 < $1 })
        // Stratified draws: the mean of an exponential distribution, nearly without noise.
        #expect(abs(scores.reduce(0, +) / 1000 - 1) < 0.01)
    }

    @Test func nodesPreferencesAreUnrelated() {
        var generator = SeededGenerator(seed: Seed.fresh())
        let names = randomNodes(40, zones: ["a"], using: &generator).map(\.id.rawValue)
        let preferences = names.map { Preference(name: $0, kind: 1, count: 4096) }
        // Of a node's dearest tenth, another has about a tenth in its own: 41 of 410, give or take six standard
        // deviations.
        let top = preferences.map { preference in Set((0..<410).map { preference.partition(atRank: $0) }) }
        for first in top.indices {
            for second in top.indices where second > first {
                #expect((5...78).contains(top[first].intersection(top[second]).count))
            }
        }
    }

    @Test func theLogarithmIsAsGoodAsTheLibrarys() {
        var generator = SeededGenerator(seed: Seed.fresh())
        for _ in 0..<10_000 {
            let x = Double.random(in: 0x1p-60...1, using: &generator)
            #expect(abs(Logarithm.ln(x) - log(x)) <= 1e-15 * max(1, abs(log(x))))
        }
        #expect(Logarithm.ln(1) == 0)
    }

    @Test func theHeapGivesTheLargestFirst() {
        var generator = SeededGenerator(seed: Seed.fresh())
        var heap = MaxHeap()
        let numbers = (0..<500).map { _ in UInt64.random(in: 0..<100, using: &generator) }
        for number in numbers { heap.insert(number) }
        #expect((0..<500).map { _ in heap.removeLargest() } == numbers.sorted(by: >))
    }
}
