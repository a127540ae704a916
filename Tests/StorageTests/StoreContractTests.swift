import Storage
import Testing

/// What every store promises.
@Suite struct StoreContractTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test(arguments: World.allCases) func whatIsPutIsThereUntilItIsDeleted(_ world: World) throws {
        let store = try world.store(in: directory)
        #expect(try store.get(.tweets, bytes("a")) == nil)
        try store.write(.make { $0.put(.tweets, bytes("a"), bytes("1")) }, sync: true)
        #expect(try store.get(.tweets, bytes("a")) == bytes("1"))
        #expect(try store.get(.users, bytes("a")) == nil, "families are apart")
        try store.write(.make { $0.put(.tweets, bytes("a"), []) }, sync: false)
        #expect(try store.get(.tweets, bytes("a")) == [], "an empty value is a value")
        try store.write(.make { $0.delete(.tweets, bytes("a")) }, sync: false)
        #expect(try store.get(.tweets, bytes("a")) == nil)
    }

    @Test(arguments: World.allCases) func batchesOfOneWriteApplyInOrder(_ world: World) throws {
        let store = try world.store(in: directory)
        let first = Effects.make {
            $0.put(.tweets, bytes("a"), bytes("1"))
            $0.delete(.tweets, bytes("a"))
            $0.put(.tweets, bytes("a"), bytes("2"))
        }
        try store.write([first, .make { $0.put(.tweets, bytes("a"), bytes("3")) }, Effects()], sync: false)
        #expect(try store.get(.tweets, bytes("a")) == bytes("3"))
        try store.write([], sync: true)
    }

    @Test(arguments: World.allCases) func countersAddUpAndWrapAround(_ world: World) throws {
        let store = try world.store(in: directory)
        #expect(try store.counter(.counts, bytes("c")) == 0)
        for delta: Int64 in [5, -7, 40] {
            try store.write(.make { $0.merge(.counts, bytes("c"), delta: delta) }, sync: false)
        }
        #expect(try store.counter(.counts, bytes("c")) == 38)
        #expect(try store.get(.counts, bytes("c")) == CounterValue.encode(38))
        try store.flush()
        try store.write(.make { $0.merge(.counts, bytes("c"), delta: .max) }, sync: false)
        #expect(try store.counter(.counts, bytes("c")) == 38 &+ Int64.max)
        let again = Effects.make {
            $0.delete(.counts, bytes("c"))
            $0.merge(.counts, bytes("c"), delta: 2)
        }
        try store.write(again, sync: false)
        #expect(try store.counter(.counts, bytes("c")) == 2)
    }

    @Test(arguments: World.allCases) func aValueThatIsNoCounterIsCorruptWhenCounted(_ world: World) throws {
        let store = try world.store(in: directory)
        try store.write(.make { $0.put(.counts, bytes("c"), bytes("12")) }, sync: false)
        #expect(throws: StorageError.self) { try store.counter(.counts, bytes("c")) }
        #expect(throws: StorageError.self) {
            // The one world notices at the write, the other at the read.
            try store.write(.make { $0.merge(.counts, bytes("c"), delta: 1) }, sync: false)
            _ = try store.get(.counts, bytes("c"))
        }
    }

    @Test(arguments: World.allCases) func scansRunBetweenTheirBoundsBothWays(_ world: World) throws {
        let store = try world.store(in: directory)
        try store.write(
            .make { effects in for key in ["b", "a", "c", "ab", "d"] { effects.put(.tweets, bytes(key), bytes(key)) } },
            sync: false)
        #expect(texts(try store.rows(.tweets)) == ["a=a", "ab=ab", "b=b", "c=c", "d=d"])
        #expect(texts(try store.rows(.tweets, from: bytes("ab"), to: bytes("c"))) == ["ab=ab", "b=b"])
        #expect(texts(try store.rows(.tweets, from: bytes("ab"), to: bytes("c"), reverse: true)) == ["b=b", "ab=ab"])
        #expect(texts(try store.rows(.tweets, from: bytes("aa"), reverse: true, limit: 2)) == ["d=d", "c=c"])
        #expect(texts(try store.rows(.tweets, to: prefixEnd(bytes("a")))) == ["a=a", "ab=ab"])
        #expect(try store.rows(.tweets, from: bytes("c"), to: bytes("b")).isEmpty)
        #expect(try store.rows(.tweets, limit: 0).isEmpty)
    }

    @Test(arguments: World.allCases) func whatAScanThrowsComesOut(_ world: World) throws {
        struct Enough: Error {}
        let store = try world.store(in: directory)
        try store.write(.make { $0.put(.tweets, bytes("a"), []) }, sync: false)
        #expect(throws: Enough.self) {
            try store.scan(.tweets, from: [], to: [], reverse: false) { _, _ in throw Enough() }
        }
    }

    @Test(arguments: World.allCases) func rangesAreDeletedWithoutTheirEnd(_ world: World) throws {
        let store = try world.store(in: directory)
        try store.write(.make { effects in for key in "abcd" { effects.put(.log, bytes("\(key)"), []) } }, sync: false)
        try store.write(.make { $0.deleteRange(.log, from: bytes("b"), to: bytes("d")) }, sync: false)
        #expect(texts(try store.rows(.log)) == ["a=", "d="])
        try store.write(.make { $0.deleteRange(.log, from: bytes("d"), to: bytes("a")) }, sync: false)
        #expect(texts(try store.rows(.log)) == ["a=", "d="], "an empty range deletes nothing")
    }

    @Test(arguments: World.allCases) func manyGetsAnswerInTheOrderOfTheKeys(_ world: World) throws {
        let store = try world.store(in: directory)
        try store.write(
            .make { effects in for key in "abc" { effects.put(.users, bytes("\(key)"), bytes("\(key)\(key)")) } },
            sync: false)
        let found = try store.multiGet(.users, [bytes("c"), bytes("x"), bytes("a"), bytes("a")])
        #expect(found == [bytes("cc"), nil, bytes("aa"), bytes("aa")])
        #expect(try store.multiGet(.users, []).isEmpty)
    }

    @Test(arguments: World.allCases) func aSnapshotStaysAsItWas(_ world: World) throws {
        let store = try world.store(in: directory)
        try store.write(.make { $0.put(.users, bytes("a"), bytes("old")) }, sync: false)
        let snapshot = store.snapshot()
        let change = Effects.make {
            $0.put(.users, bytes("a"), bytes("new"))
            $0.put(.users, bytes("b"), bytes("new"))
            $0.merge(.counts, bytes("c"), delta: 1)
        }
        try store.write(change, sync: false)
        try store.flush()
        #expect(try snapshot.get(.users, bytes("a")) == bytes("old"))
        #expect(try snapshot.multiGet(.users, [bytes("a"), bytes("b")]) == [bytes("old"), nil])
        #expect(try snapshot.counter(.counts, bytes("c")) == 0)
        #expect(texts(try snapshot.rows(.users)) == ["a=old"])
        #expect(texts(try store.rows(.users)) == ["a=new", "b=new"])
    }

    @Test(arguments: World.allCases) func aClosedStoreSaysSoAndItsSnapshotsGoOn(_ world: World) throws {
        let store = try world.store(in: directory)
        try store.write(.make { $0.put(.users, bytes("a"), bytes("1")) }, sync: false)
        let snapshot = store.snapshot()
        store.close()
        store.close()
        #expect(throws: StorageError.closed) { try store.get(.users, bytes("a")) }
        #expect(throws: StorageError.closed) { try store.write([], sync: true) }
        #expect(throws: StorageError.closed) { try store.flush() }
        #expect(throws: StorageError.closed) { try store.snapshot().get(.users, bytes("a")) }
        #expect(try snapshot.get(.users, bytes("a")) == bytes("1"))
    }

    @Test(arguments: World.allCases) func readersAndWritersRunBesideEachOther(_ world: World) async throws {
        let store = try world.store(in: directory)
        let rounds: Int64 = 300
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in UInt64(0)..<3 {
                group.addTask {
                    for _ in 0..<rounds {
                        let both = Effects.make {
                            $0.merge(.counts, bytes("left"), delta: 1)
                            $0.merge(.counts, bytes("right"), delta: 1)
                            $0.put(.tweets, Key(partition: 1).appending(writer).bytes, bytes("x"))
                        }
                        try store.write(both, sync: false)
                    }
                }
                group.addTask {
                    for _ in 0..<rounds {
                        let moment = store.snapshot()
                        let left = try moment.counter(.counts, bytes("left"))
                        #expect(try moment.counter(.counts, bytes("right")) == left, "half a batch was seen")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try store.counter(.counts, bytes("left")) == 3 * rounds)
    }
}
