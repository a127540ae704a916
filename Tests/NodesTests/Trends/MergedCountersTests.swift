import Testing

@testable import Sketches

/// Sketches of overlapping streams, added up, against dictionaries that are.
@Suite struct MergedCountersTests {
    private struct Stream {
        var sketch: SpaceSaving<String>
        var exact: [String: UInt64] = [:]
        var added: UInt64 = 0
    }

    private func stream(_ number: Int, capacity: Int, _ random: inout SeededGenerator) -> Stream {
        var stream = Stream(sketch: SpaceSaving(capacity: capacity, seed: 7))
        for _ in 0..<Int.random(in: 0...300, using: &random) {
            if Int.random(in: 0..<4, using: &random) == 0, let key = stream.exact.keys.sorted().first {
                stream.sketch.remove(key)
                stream.exact[key] = stream.exact[key] == 1 ? nil : stream.exact[key]! - 1
                continue
            }
            // Each stream has keys of its own, and some that all have.
            let shift = Bool.random(using: &random) ? number * 30 : 0
            let uniform = Double.random(in: 0..<1, using: &random)
            let key = "key number \(Int(uniform * uniform * uniform * 60) + shift)"
            let weight = UInt64.random(in: 1...20, using: &random)
            stream.sketch.add(key, weight: weight)
            stream.exact[key, default: 0] += weight
            stream.added += weight
        }
        return stream
    }

    @Test func boundsAreTrueHoweverKeysOverlap() {
        let seed = Seed.fresh()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<120 {
            let capacity = Int.random(in: 1...24, using: &random)
            let streams = (0..<Int.random(in: 1...6, using: &random)).map { stream($0, capacity: capacity, &random) }
            let limit = Int.random(in: 0...3 * capacity, using: &random)
            let merged = MergedCounters(streams.map(\.sketch), keeping: limit)
            let exact = streams.map(\.exact).reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            let note: Comment = "ROOKERY_SEED=\(seed)"
            #expect(merged.counters.count <= limit, note)
            for counter in merged.counters {
                #expect((counter.lowerBound...counter.upperBound).contains(exact[counter.key, default: 0]), note)
                #expect(exact[counter.key, default: 0] > 0, note)
            }
            let counted = Set(merged.counters.map(\.key))
            for (key, weight) in exact where !counted.contains(key) { #expect(weight <= merged.bound, note) }
            if limit >= capacity {
                #expect(merged.bound <= streams.map(\.added).reduce(0, +) / UInt64(capacity), note)
            }
            for (a, b) in zip(merged.counters, merged.counters.dropFirst()) {
                #expect((b.estimate, a.key) < (a.estimate, b.key), note)
            }
        }
    }

    @Test func whatFitsIsExact() {
        var (here, there) = (SpaceSaving<String>(capacity: 8), SpaceSaving<String>(capacity: 8))
        for word in ["rook", "crow", "rook"] { here.add(word) }
        for word in ["rook", "jay"] { there.add(word) }
        let merged = MergedCounters([here, there], keeping: 8)
        #expect(
            merged.counters == [("rook", 3), ("crow", 1), ("jay", 1)].map { .init(key: $0, estimate: $1, error: 0) })
        #expect(merged.bound == 0)
        #expect(MergedCounters([here, there], keeping: 1).bound == 1, "what is cut off is bounded, too")
    }

    @Test func ofNothingThereIsNothing() {
        let merged = MergedCounters([SpaceSaving<String>](), keeping: 3)
        #expect(merged.counters.isEmpty && merged.bound == 0)
    }
}
