import Storage
import Testing

@Suite struct TransactionTests {
    let base = MemoryStore()

    init() throws {
        let given = Effects.make {
            for key in ["a", "c", "e"] { $0.put(.users, bytes(key), bytes("base")) }
            $0.merge(.counts, bytes("n"), delta: 10)
        }
        try base.write(given, sync: false)
    }

    @Test func itReadsWhatItWroteAndTheStoreDoesNot() throws {
        let transaction = Transaction(over: base)
        transaction.put(.users, bytes("b"), bytes("own"))
        transaction.delete(.users, bytes("a"))
        #expect(try transaction.get(.users, bytes("b")) == bytes("own"))
        #expect(try transaction.get(.users, bytes("a")) == nil)
        #expect(try transaction.get(.users, bytes("c")) == bytes("base"))
        #expect(try base.get(.users, bytes("b")) == nil)
        #expect(
            transaction.effects.operations == [
                .put(.users, key: bytes("b"), value: bytes("own")), .delete(.users, key: bytes("a")),
            ])
    }

    @Test func countersAddToWhateverIsBelow() throws {
        let transaction = Transaction(over: base)
        try transaction.merge(.counts, bytes("n"), delta: 1)
        try transaction.merge(.counts, bytes("n"), delta: 1)
        #expect(try transaction.counter(.counts, bytes("n")) == 12)
        transaction.delete(.counts, bytes("n"))
        try transaction.merge(.counts, bytes("n"), delta: 3)
        #expect(try transaction.counter(.counts, bytes("n")) == 3)
        try transaction.merge(.counts, bytes("new"), delta: -1)
        #expect(try transaction.counter(.counts, bytes("new")) == -1)
    }

    @Test func mergingIntoATextIsRefusedAndLeavesNothing() throws {
        let transaction = Transaction(over: base)
        transaction.put(.counts, bytes("t"), bytes("text"))
        let before = transaction.effects
        #expect(throws: StorageError.self) { try transaction.merge(.counts, bytes("t"), delta: 1) }
        #expect(transaction.effects == before)
        #expect(try transaction.get(.counts, bytes("t")) == bytes("text"))
    }

    @Test func scansLayTheOwnWritesOverTheBase() throws {
        let transaction = Transaction(over: base)
        for key in ["b", "c", "f"] { transaction.put(.users, bytes(key), bytes("own")) }
        transaction.delete(.users, bytes("e"))
        #expect(texts(try transaction.rows(.users)) == ["a=base", "b=own", "c=own", "f=own"])
        #expect(texts(try transaction.rows(.users, reverse: true, limit: 3)) == ["f=own", "c=own", "b=own"])
        #expect(texts(try transaction.rows(.users, from: bytes("b"), to: bytes("c"))) == ["b=own"])
        try transaction.deleteRange(.users, from: bytes("a"), to: bytes("c"))
        #expect(texts(try transaction.rows(.users)) == ["c=own", "f=own"])
    }
}
