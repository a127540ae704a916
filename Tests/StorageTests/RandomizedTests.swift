import Storage
import Testing

/// RocksDB, the memory store and the transaction are three ways to the same rows; random work finds where they part.
@Suite struct RandomizedTests {
    /// Few keys, so that operations meet.
    private static func key(_ random: inout SeededGenerator) -> [UInt8] {
        Key(partition: UInt16.random(in: 0..<2, using: &random)).appending(UInt8.random(in: 0..<12, using: &random))
            .bytes
    }

    /// Draws one operation and does it to all of `targets`.
    private static func step(_ random: inout SeededGenerator, _ targets: [Transaction]) throws {
        let (kind, family) = (
            Int.random(in: 0..<12, using: &random), [Family.tweets, .counts].randomElement(using: &random)!
        )
        let (first, second) = (key(&random), key(&random))
        let number = Int64.random(in: -9...9, using: &random)
        for target in targets {
            switch kind {
            case 0..<4: target.put(family, first, CounterValue.encode(number))
            case 4..<6: target.delete(family, first)
            case 6..<11: try target.merge(family, first, delta: number)
            default: try target.deleteRange(family, from: first, to: second)
            }
        }
    }

    private static func expectSame(_ one: any Reader, _ other: any Reader, _ random: inout SeededGenerator, _ step: Int)
        throws
    {
        #expect(try one.dump() == other.dump(), "at step \(step)")
        let (from, to) = (key(&random), key(&random))
        for (family, reverse) in [(Family.tweets, true), (.counts, true), (.counts, false)] {
            let rows = try one.rows(family, from: from, to: to, reverse: reverse, limit: 5)
            #expect(try other.rows(family, from: from, to: to, reverse: reverse, limit: 5) == rows, "at step \(step)")
        }
        let keys = [from, to, key(&random)]
        let values = try one.multiGet(.counts, keys)
        #expect(try other.multiGet(.counts, keys) == values, "at step \(step)")
        #expect(try keys.map { try other.counter(.counts, $0) } == keys.map { try one.counter(.counts, $0) })
    }

    @Test func rocksMemoryAndTransactionAgree() throws {
        var random = SeededGenerator.printed("rocksMemoryAndTransactionAgree")
        let directory = try TemporaryDirectory()
        let memory = MemoryStore()
        var rocks = try RocksStore(path: directory.path + "/store", sync: false, settings: .small)
        var moments: [(any Snapshot, any Snapshot)] = []
        for step in 0..<400 {
            let (onRocks, onMemory) = (Transaction(over: rocks), Transaction(over: memory.snapshot()))
            for _ in 0..<Int.random(in: 1...8, using: &random) { try Self.step(&random, [onRocks, onMemory]) }
            try Self.expectSame(onRocks, onMemory, &random, step)
            #expect(onRocks.effects == onMemory.effects)

            // Through the bytes, as a member gets them.
            try rocks.write([Effects.decode(onRocks.effects.encode())], sync: false)
            try memory.write([onMemory.effects], sync: false)
            try Self.expectSame(rocks, memory, &random, step)
            try Self.expectSame(onMemory, memory, &random, step)

            if step % 23 == 0 { moments.append((rocks.snapshot(), memory.snapshot())) }
            if moments.count > 3 {
                let (one, other) = moments.removeFirst()
                try Self.expectSame(one, other, &random, step)
            }
            if step % 37 == 0 { try rocks.flush() }
            if step % 101 == 0 {
                moments = []
                rocks.close()
                rocks = try RocksStore(path: directory.path + "/store", sync: false, settings: .small)
            }
        }
    }

    /// Rule B4, as far as storage carries it.
    @Test func replayingEffectsIntoEmptyStoresGivesEqualBytes() throws {
        var random = SeededGenerator.printed("replayingEffectsIntoEmptyStoresGivesEqualBytes")
        let original = MemoryStore()
        var log: [[UInt8]] = []
        for _ in 0..<200 {
            let transaction = Transaction(over: original)
            for _ in 0..<5 { try Self.step(&random, [transaction]) }
            log.append(transaction.effects.encode())
            try original.write([transaction.effects], sync: false)
        }
        for world in World.allCases {
            let directory = try TemporaryDirectory()
            let replayed = try world.store(in: directory)
            // In groups of another size than they were written in.
            for start in stride(from: 0, to: log.count, by: 7) {
                try replayed.write(log[start..<min(start + 7, log.count)].map { try Effects.decode($0) }, sync: false)
            }
            let product = Family.allCases.filter(\.isProduct)
            #expect(try replayed.dump(product) == original.dump(product), "\(world)")
        }
    }

    /// Any bytes are decoded or refused, and what is decoded was in its one right form.
    @Test func damagedEffectsAreRefusedOrWhole() throws {
        var random = SeededGenerator.printed("damagedEffectsAreRefusedOrWhole")
        let memory = MemoryStore()
        for _ in 0..<2000 {
            let transaction = Transaction(over: memory)
            for _ in 0..<3 { try Self.step(&random, [transaction]) }
            var bytes = transaction.effects.encode()
            guard !bytes.isEmpty else { continue }  // three empty ranges
            let at = Int.random(in: 0..<bytes.count, using: &random)
            if Bool.random(using: &random) {
                bytes[at] = UInt8.random(in: 0...255, using: &random)
            } else {
                bytes.removeLast(at)
            }
            guard let decoded = try? Effects.decode(bytes) else { continue }  // refused is right, too
            #expect(Effects.make { copy in decoded.operations.forEach { copy.append($0) } }.encode() == bytes)
        }
    }
}

extension Effects {
    fileprivate mutating func append(_ operation: Operation) {
        switch operation {
        case .put(let family, let key, let value): put(family, key, value)
        case .delete(let family, let key): delete(family, key)
        case .merge(let family, let key, let delta): merge(family, key, delta: delta)
        case .deleteRange(let family, let from, let to): deleteRange(family, from: from, to: to)
        }
    }
}
