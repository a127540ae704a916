import Testing

@testable import Nodes

/// The table against the simplest counts, with so little room that the floor is met all the time.
@Suite struct TopTableRandomTests {
    /// Keys, likes, withdrawn likes, deletes and a clock, by chance; a table beside a model.
    private struct World {
        var random: SeededGenerator
        var table: TopTable<Int>
        var model = CountModel()
        var nowMs: UInt64 = 480_000 * 3_600_000
        private var furthestMs: UInt64 = 0
        /// The time as the table's contract takes it: it stands still while the clock is a little behind.
        var tableMs: UInt64 = 0
        var refills = 0
        let keys: Int
        /// Whether deltas come that belong to no like, as from sources whose sums arrive out of order.
        let isOdd: Bool

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            table = TopTable(capacity: Int.random(in: 4...16, using: &random))
            keys = Int.random(in: 8...40, using: &random)
            isOdd = Int.random(in: 0..<3, using: &random) == 0
        }

        mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &random) }

        mutating func step() {
            moveClock()
            // Some keys are far more popular than others.
            let key = min(roll(keys), roll(keys))
            switch roll(20) {
            case 0:
                model.delete(key)
                table.remove(key)
            case 1...4:
                if let counts = model.unlike(key, nowMs: nowMs, &random) { update(key, counts) }
            case 5 where isOdd:
                let (delta, atMs) = (Int64(roll(7)) - 3, nowMs - UInt64(roll(90)) * 60_000)
                update(key, model.add(delta, to: key, atMs: atMs, nowMs: nowMs))
            default:
                // Told late, or by a node whose clock is fast.
                let atMs = nowMs - UInt64(roll(3)) * 40_000 + (roll(9) == 0 ? 90_000 : 0)
                update(key, model.like(key, atMs: atMs, nowMs: nowMs))
            }
        }

        private mutating func update(_ key: Int, _ counts: WindowedCount) {
            table.update(key, counts, nowMs: nowMs)
            noteTableTime()
        }

        private mutating func moveClock() {
            switch roll(300) {
            case 0: nowMs += UInt64(roll(200)) * 3_600_000
            case 1...3: nowMs += UInt64(roll(30)) * 3_600_000
            case 4...20: nowMs += UInt64(roll(40)) * 60_000
            case 21...24: nowMs -= UInt64(roll(60_000))
            case 25: nowMs -= UInt64(roll(40)) * 60_000
            default: nowMs += UInt64(roll(30_000))
            }
            // Of what lies further back the store itself has pruned the minutes.
            furthestMs = max(furthestMs, nowMs)
            nowMs = max(nowMs, furthestMs - 59 * 60_000)
        }

        private mutating func noteTableTime() {
            tableMs = nowMs + TopTable<Int>.clockSlackMs < tableMs ? nowMs : max(tableMs, nowMs)
        }

        mutating func check(_ window: TopWindow) -> Bool {
            let k = roll(9)
            noteTableTime()
            var top = table.top(k, in: window, nowMs: nowMs)
            if top == nil {
                refills += 1
                tableMs = nowMs
                top = table.refill(from: model.rows, answering: k, in: window, nowMs: nowMs)
            }
            let all = model.ranking(window, nowMs: tableMs)
            guard let top, top.entries == Array(all.prefix(k)) else { return false }
            guard all.count > k else { return true }
            return top.next.map { $0 <= all[k] } ?? false
        }
    }

    @Test func answersEqualTheModelsAtEveryStep() {
        let seed = Seed.fresh()
        for run in UInt64(0)..<16 {
            var world = World(seed: seed &+ run)
            for step in 0..<1250 {
                world.step()
                for window in TopWindow.allCases where !world.check(window) {
                    Issue.record("ROOKERY_SEED=\(seed), run \(run), step \(step), window \(window)")
                    return
                }
            }
            #expect(world.refills > 0, "ROOKERY_SEED=\(seed), run \(run): the floor was never met")
            #expect(world.table.candidateCount <= 2 * world.table.capacity)
        }
    }
}
