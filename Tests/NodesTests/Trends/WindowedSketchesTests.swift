import Sketches
import Testing

@testable import Nodes

@Suite struct WindowedSketchesTests {
    private struct Event: Equatable {
        var key: UInt64
        var atMs: UInt64
    }

    private static func check(
        _ sketches: WindowedSketches<UInt64>, _ events: [Event], nowMs: UInt64, _ note: Comment
    ) {
        for window in TopWindow.allCases {
            let merged = MergedCounters(sketches.sketches(in: window, nowMs: nowMs), keeping: 100)
            let inside = events.filter { $0.atMs >= window.startMs(nowMs: nowMs) }
            let exact = Dictionary(inside.map { ($0.key, UInt64(1)) }, uniquingKeysWith: +)
            for counter in merged.counters {
                let count = exact[counter.key, default: 0]
                #expect(count > 0 && (counter.lowerBound...counter.upperBound).contains(count), note)
            }
            let counted = Set(merged.counters.map(\.key))
            for (key, count) in exact where !counted.contains(key) { #expect(count <= merged.bound, note) }
        }
    }

    /// Time goes on and is set back a little, events come late, and what is old is taken back, too.
    @Test func everyWindowIsWithinItsBounds() {
        let seed = Seed.fresh()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<6 {
            var sketches = WindowedSketches<UInt64>(totalCapacity: 64, seed: seed)
            var events: [Event] = []
            var nowMs: UInt64 = 1_780_315_200_000
            for step in 0..<3000 {
                let minutes =
                    Int.random(in: 0..<400, using: &random) == 0 ? Int.random(in: 0...4000, using: &random) : 0
                nowMs += UInt64(minutes) * 60_000 + UInt64.random(in: 0...20_000, using: &random)
                let nowMs = nowMs - UInt64.random(in: 0...300_000, using: &random)
                sketches.prune(nowMs: nowMs)
                if Int.random(in: 0..<3, using: &random) == 0, let index = events.indices.randomElement(using: &random)
                {
                    let gone = events.remove(at: index)
                    sketches.remove(gone.key, atMs: gone.atMs)
                } else {
                    let uniform = Double.random(in: 0..<1, using: &random)
                    let event = Event(key: UInt64(uniform * uniform * uniform * 900), atMs: nowMs)
                    events.append(event)
                    sketches.add(event.key, atMs: event.atMs)
                }
                if step % 100 == 0 { Self.check(sketches, events, nowMs: nowMs, "ROOKERY_SEED=\(seed)") }
            }
        }
    }

    /// A bucket that was pruned must not be made anew by something that comes late: what is taken back from it would
    /// never have been added.
    @Test func aPrunedBucketStaysGone() {
        var sketches = WindowedSketches<UInt64>(totalCapacity: 8, seed: 0)
        let thenMs: UInt64 = 1_780_315_200_000
        sketches.add(1, atMs: thenMs)
        sketches.prune(nowMs: thenMs + 3 * 3_600_000)
        sketches.add(2, atMs: thenMs)
        sketches.remove(1, atMs: thenMs)
        #expect(sketches.sketches(in: .hour, nowMs: thenMs).isEmpty)
        let all = MergedCounters(sketches.sketches(in: .all, nowMs: thenMs), keeping: 8)
        #expect(all.counters.map(\.key) == [2])
    }
}
