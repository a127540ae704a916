import Replication
import Testing

@Suite struct LatchTableTests {
    @Test func readersShareAndAWriterWaitsItsTurn() {
        var table = LatchTable()
        let step1 = table.acquire([.read(1, 7)], ticket: 1)
        #expect(step1)
        let step2 = table.acquire([.read(1, 7)], ticket: 2)
        #expect(step2)
        let step3 = table.acquire([.write(1, 7)], ticket: 3)
        #expect(!step3)
        // Behind a waiting writer a reader waits, too: else readers would starve it.
        let step4 = table.acquire([.read(1, 7)], ticket: 4)
        #expect(!step4)
        let step5 = table.release(1)
        #expect(step5 == [])
        let step6 = table.release(2)
        #expect(step6 == [3])
        let step7 = table.release(3)
        #expect(step7 == [4])
    }

    @Test func aKeyNamedTwiceIsTakenOnceAsTheStronger() {
        var table = LatchTable()
        let step8 = table.acquire([.read(1, 7), .write(1, 7)], ticket: 1)
        #expect(step8)
        let step9 = table.acquire([.read(1, 7)], ticket: 2)
        #expect(!step9)
        let step10 = table.release(1)
        #expect(step10 == [2])
        let step11 = table.release(2)
        #expect(step11 == [])
        #expect(table.count == 0)
    }

    /// The simplest correct table: all who came, in order; one holds when nobody before it conflicts.
    private struct Model {
        var line: [(ticket: UInt64, latches: [Latch])] = []

        var holders: Set<UInt64> {
            Set(
                line.indices.filter { index in
                    line[..<index].allSatisfy { !Self.conflict($0.latches, line[index].latches) }
                }.map { line[$0].ticket })
        }

        private static func conflict(_ a: [Latch], _ b: [Latch]) -> Bool {
            a.contains { first in
                b.contains { second in
                    (first.space, first.a, first.b) == (second.space, second.a, second.b)
                        && (first.isExclusive || second.isExclusive)
                }
            }
        }
    }

    @Test func grantsAreThoseOfTheSimplestModel() {
        let seed = Seeded.fresh()
        var random = Seeded(seed)
        for _ in 0..<200 {
            var (table, model) = (LatchTable(), Model())
            var holding: Set<UInt64> = []
            for ticket in UInt64(0)..<40 {
                let latches = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    Latch(
                        space: 1, a: UInt64.random(in: 0..<4, using: &random), b: 0,
                        isExclusive: random.chance(50))
                }
                model.line.append((ticket, latches))
                if table.acquire(latches, ticket: ticket) { holding.insert(ticket) }
                while random.chance(45), let done = holding.sorted().randomElement(using: &random) {
                    holding.remove(done)
                    model.line.removeAll { $0.ticket == done }
                    holding.formUnion(table.release(done))
                    #expect(holding == model.holders, "ROOKERY_SEED=\(seed)")
                }
            }
            while let done = holding.min() {
                holding.remove(done)
                holding.formUnion(table.release(done))
            }
            #expect(table.count == 0, "ROOKERY_SEED=\(seed): somebody waits for ever")
        }
    }
}
