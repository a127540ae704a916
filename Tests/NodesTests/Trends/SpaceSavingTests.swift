import Testing

@testable import Sketches

@Suite struct SpaceSavingTests {
    private static func skewed(_ random: inout SeededGenerator, keys: Int) -> UInt64 {
        let uniform = Double.random(in: 0..<1, using: &random)
        return UInt64(uniform * uniform * uniform * uniform * Double(keys))
    }

    /// All that is promised, of every key there is.
    private static func check<Key>(
        _ sketch: SpaceSaving<Key>, _ exact: [Key: UInt64], added: UInt64, _ note: Comment
    ) {
        let counters = sketch.top(sketch.capacity)
        #expect(sketch.total == added, note)
        #expect(counters.count == sketch.count && sketch.count <= sketch.capacity, note)
        for (key, weight) in exact {
            #expect(sketch.bounds(of: key).contains(weight), note)
            if sketch.counter(of: key) == nil { #expect(weight <= sketch.unseenBound, note) }
        }
        #expect(counters.allSatisfy { exact[$0.key, default: 0] > 0 }, "what is gone is not counted: \(note)")
        #expect(sketch.unseenBound <= sketch.total / UInt64(sketch.capacity), note)
        let most = counters.map { max($0.estimate, sketch.unseenBound) }.reduce(0, +)
        let free = UInt64(sketch.capacity - counters.count) * sketch.unseenBound
        #expect(most + free <= sketch.total, note)
        #expect(counters.map(\.lowerBound).reduce(0, +) <= exact.values.reduce(0, +), note)
        for (a, b) in zip(counters, counters.dropFirst()) {
            #expect((b.estimate, a.key) < (a.estimate, b.key), note)
        }
    }

    private static func check<Key>(_ sketch: SpaceSaving<Key>, _ exact: [Key: UInt64], _ note: Comment) {
        check(sketch, exact, added: exact.values.reduce(0, +), note)
    }

    @Test func whatFitsIsExact() {
        var sketch = SpaceSaving<UInt64>(capacity: 10)
        for key in UInt64(1)...10 { for _ in 0..<key { sketch.add(key) } }
        #expect(sketch.top(3).map(\.key) == [10, 9, 8])
        for key in UInt64(1)...10 { #expect(sketch.bounds(of: key) == key...key) }
        #expect(sketch.unseenBound == 0 && sketch.bounds(of: 11) == 0...0)
    }

    @Test func boundsAreTrueAtEveryStep() {
        let seed = Seed.fresh()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<30 {
            let capacity = Int.random(in: 1...20, using: &random)
            var sketch = SpaceSaving<UInt64>(capacity: capacity, seed: random.next())
            var exact: [UInt64: UInt64] = [:]
            for step in 0..<300 {
                let key = Self.skewed(&random, keys: 60)
                let weight = step % 7 == 0 ? UInt64.random(in: 0...3000, using: &random) : 1
                sketch.add(key, weight: weight)
                exact[key, default: 0] += weight
                if step % 10 == 0 { Self.check(sketch, exact, "ROOKERY_SEED=\(seed)") }
            }
            Self.check(sketch, exact, "ROOKERY_SEED=\(seed)")
        }
    }

    /// Whatever is taken back, and however much of it.
    @Test func boundsAreTrueWhileMuchIsTakenBack() {
        let seed = Seed.fresh()
        var random = SeededGenerator(seed: seed)
        for round in 0..<60 {
            let capacity = Int.random(in: 1...20, using: &random)
            var sketch = SpaceSaving<UInt64>(capacity: capacity, seed: random.next())
            var exact: [UInt64: UInt64] = [:]
            var added: UInt64 = 0
            for step in 0..<400 {
                // Some streams shrink to nothing in their second half.
                let removals = round % 3 == 0 && step > 200 ? 90 : 40
                if Int.random(in: 0..<100, using: &random) < removals {
                    guard let key = exact.keys.sorted().randomElement(using: &random) else { continue }
                    let whole = Bool.random(using: &random)
                    let weight = whole ? exact[key]! : UInt64.random(in: 1...exact[key]!, using: &random)
                    sketch.remove(key, weight: weight)
                    exact[key] = exact[key] == weight ? nil : exact[key]! - weight
                } else {
                    let key = Self.skewed(&random, keys: 60)
                    let weight = step % 7 == 0 ? UInt64.random(in: 1...9000, using: &random) : 1
                    sketch.add(key, weight: weight)
                    exact[key, default: 0] += weight
                    added += weight
                }
                Self.check(sketch, exact, added: added, "ROOKERY_SEED=\(seed)")
            }
            for (key, weight) in exact { sketch.remove(key, weight: weight) }
            #expect(sketch.count == 0, "ROOKERY_SEED=\(seed): everything was taken back")
        }
    }

    @Test func whatFitsIsExactHoweverMuchIsTakenBack() {
        var sketch = SpaceSaving<String>(capacity: 4)
        for word in ["rook", "crow", "rook", "raven", "jay"] { sketch.add(word) }
        sketch.remove("crow")
        sketch.add("magpie")
        sketch.remove("rook")
        #expect(sketch.top(4) == ["jay", "magpie", "raven", "rook"].map { .init(key: $0, estimate: 1, error: 0) })
        #expect(sketch.unseenBound == 0)
    }

    /// Two keys in one counter: when the second goes, what is left is only what the first may have had.
    @Test func aCounterThatMayBeNothingButErrorGoes() {
        var sketch = SpaceSaving<UInt64>(capacity: 1)
        sketch.add(1, weight: 5)
        for _ in 0..<5 { sketch.add(2) }
        let error = sketch.counter(of: 2)?.error
        #expect(error != nil && sketch.unseenBound == 5)
        sketch.remove(2, weight: 5)
        #expect(sketch.count == 0 && sketch.unseenBound == 5, "the first may still have its five")
        sketch.add(3)
        #expect(sketch.bounds(of: 3).contains(1))
    }

    /// What a cell's four bytes do not hold any more is bounded by the smallest counter alone.
    @Test func hugeWeightsKeepTheirBounds() {
        var sketch = SpaceSaving<UInt64>(capacity: 2)
        var exact: [UInt64: UInt64] = [:]
        for step in UInt64(0)..<200 {
            let (key, weight) = (step % 9, 1 << 33 + step)
            sketch.add(key, weight: weight)
            exact[key, default: 0] += weight
        }
        Self.check(sketch, exact, "2 counters")
    }

    @Test func equalStreamsMakeEqualSketches() {
        func sketch() -> [SpaceSaving<String>.Counter] {
            var random = SeededGenerator(seed: 3)
            var sketch = SpaceSaving<String>(capacity: 32)
            for _ in 0..<5000 { sketch.add("\(Self.skewed(&random, keys: 900))") }
            return sketch.top(32)
        }
        #expect(sketch() == sketch())
    }

    @Test func theFrequentAreFoundAmongMany() {
        let seed = Seed.fresh()
        var random = SeededGenerator(seed: seed)
        var sketch = SpaceSaving<UInt64>(capacity: 200)
        for step in UInt64(0)..<30_000 {
            sketch.add(step % 3 == 0 ? step % 30 / 3 : UInt64.random(in: 1000...1_000_000, using: &random))
        }
        #expect(Set(sketch.top(10).map(\.key)) == Set(0..<10), "ROOKERY_SEED=\(seed)")
    }

    /// Most minutes see few keys.
    @Test func memoryIsTakenForTheKeysThereAre() {
        var sketch = SpaceSaving<UInt64>(capacity: 4096)
        for key in UInt64(0)..<20 { sketch.add(key) }
        #expect(sketch.byteCount < 1500)
    }

    @Test func memoryIsWhatWasAllowed() {
        for bytes in [1000, 4608, 18_432, 100_000] {
            var sketch = SpaceSaving<UInt64>(capacity: SpaceSaving<UInt64>.capacity(bytes: bytes))
            for key in UInt64(0)..<20_000 { sketch.add(key &* 7919) }
            #expect(sketch.byteCount <= bytes && sketch.byteCount > bytes * 4 / 5)
        }
    }

    @Test func errorsAreRoundedUpByLessThanAThousandth() {
        let seed = Seed.fresh()
        var random = SeededGenerator(seed: seed)
        for exact in UInt64(0)...2048 { #expect(RoundedUp(exact).value == exact) }
        for _ in 0..<10_000 {
            let value = random.next() >> UInt64.random(in: 0...63, using: &random)
            let rounded = RoundedUp(value).value
            #expect(rounded >= value && rounded - value <= value / 1024, "ROOKERY_SEED=\(seed): \(value)")
        }
        #expect(RoundedUp(.max).value == .max)
    }
}
