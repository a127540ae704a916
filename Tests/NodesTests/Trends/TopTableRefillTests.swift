import Glibc
import Testing

@testable import Nodes

/// How rarely a table of the usual size is refilled, where tweets are liked as they are: a few very often, most hardly
/// ever, nearly all of it while they are new, by day much more than by night.
@Suite struct TopTableRefillTests {
    private struct Stream {
        var random: SeededGenerator
        var rows: [UInt64: WindowedCount] = [:]
        private var appeal: [Double] = []

        init(seed: UInt64) { random = SeededGenerator(seed: seed) }

        mutating func post() { appeal.append(Double.random(in: 0..<1, using: &random)) }

        /// A reader looks at some new tweets, and likes the most appealing one of them: the winners of such rounds have
        /// a heavy tail. Interest decays exponentially with age.
        mutating func like(atMs: UInt64) -> UInt64 {
            let seen = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                let age = -400 * log(Double.random(in: Double.leastNonzeroMagnitude..<1, using: &random))
                return max(0, appeal.count - 1 - Int(min(age, 100_000)))
            }
            let best = UInt64(seen.max { appeal[$0] < appeal[$1] } ?? 0)
            rows[best, default: WindowedCount()].add(1, atMs: atMs)
            return best
        }
    }

    @Test func refillsAreRare() {
        let seed = Seed.fresh()
        var stream = Stream(seed: seed)
        var table = TopTable<UInt64>()
        var nowMs: UInt64 = 480_000 * 3_600_000
        var (refills, questions) = (0, 0)
        for minute in 0..<600 {
            // A day of 200 minutes, so that the test sees three of them.
            let likes = Int(30 - 25 * cos(Double(minute) / 200 * 2 * .pi))
            for _ in 0..<8 { stream.post() }
            for _ in 0..<likes {
                let id = stream.like(atMs: nowMs)
                table.update(id, stream.rows[id] ?? WindowedCount(), nowMs: nowMs)
            }
            nowMs += 60_000
            for window in TopWindow.allCases {
                questions += 1
                guard table.top(50, in: window, nowMs: nowMs) == nil else { continue }
                refills += 1
                table.refill(from: stream.rows.lazy.map { ($0, $1) }, nowMs: nowMs)
            }
        }
        #expect(stream.rows.count > 4 * TopTable<UInt64>.defaultCapacity, "the floor was not needed")
        #expect(refills * 100 < questions, "ROOKERY_SEED=\(seed): \(refills) refills for \(questions) questions")
    }
}
