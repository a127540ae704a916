import Testing

@testable import RPC

/// The table of streams, beside a dictionary under the same changes.
@Suite struct StreamTableTests {
    /// Ids that ascend, as a connection's do, and any others, as a hostile one's might.
    @Test(arguments: [UInt64.random(in: 0 ... .max), 1, 2])
    func itHoldsWhatADictionaryHolds(seed: UInt64) {
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        var (table, model) = (StreamTable<Int>(), [UInt32: Int]())
        var nextId: UInt32 = 1
        for step in 0..<4000 {
            switch Int.random(in: 0..<10, using: &dice) {
            case 0..<4:
                if Bool.random(using: &dice) { table.insert(step, for: nextId) } else { table[nextId] = step }
                model[nextId] = step
                nextId += 2
            case 4:
                let id = UInt32.random(in: 1...200, using: &dice)
                table[id] = step
                model[id] = step
            case 5:
                // Through the optional, as the connections change their streams.
                let id = model.keys.sorted().randomElement(using: &dice) ?? nextId
                table[id]? += 1
                if let value = model[id] { model[id] = value + 1 }
            case 6:
                let id = UInt32.random(in: 1...nextId, using: &dice)
                table[id] = nil
                model[id] = nil
            default:
                let id = model.keys.min() ?? nextId
                let (taken, expected) = (table.removeValue(forKey: id), model.removeValue(forKey: id))
                #expect(taken == expected)
            }
            #expect(table.count == model.count && table.isEmpty == model.isEmpty)
            guard step % 500 == 0 else { continue }
            #expect(table.keys == model.keys.sorted())
            for id in 0...nextId + 2 { #expect(table[id] == model[id], "\(id) at step \(step)") }
        }
    }

    @Test func lookingAtAStreamThatIsNotThereMakesNone() {
        var table = StreamTable<[Int]>()
        table[7]?.append(1)
        #expect(table.isEmpty && table.keys == [] && table[7] == nil && table[0] == nil)
        #expect(table.removeValue(forKey: 7) == nil)
    }
}
