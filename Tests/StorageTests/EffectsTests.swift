import Storage
import Testing

@Suite struct EffectsTests {
    @Test func everyOperationComesBack() throws {
        let effects = Effects.make {
            $0.put(.tweets, bytes("k"), bytes("v"))
            $0.delete(.users, bytes("k"))
            $0.merge(.counts, bytes("k"), delta: -2)
            $0.deleteRange(.log, from: bytes("a"), to: bytes("b"))
        }
        let back = try Effects.decode(effects.encode())
        #expect(back == effects)
        #expect(
            back.operations == [
                .put(.tweets, key: bytes("k"), value: bytes("v")),
                .delete(.users, key: bytes("k")),
                .merge(.counts, key: bytes("k"), delta: -2),
                .deleteRange(.log, from: bytes("a"), to: bytes("b")),
            ])
    }

    /// The form is stored and sent: these bytes are for ever.
    @Test func theFormIsWhatTheDocumentSays() {
        let effects = Effects.make {
            $0.put(.tweets, [0xaa], [UInt8](repeating: 7, count: 130))
            $0.delete(.users, [0xbb, 0xcc])
            $0.merge(.counts, [0xdd], delta: 258)
            $0.deleteRange(.log, from: [1], to: [2])
        }
        let put: [UInt8] = [1, 9, 1, 0xaa, 0x82, 0x01] + [UInt8](repeating: 7, count: 130)
        let rest: [UInt8] = [2, 5, 2, 0xbb, 0xcc, 3, 13, 1, 0xdd, 2, 1, 0, 0, 0, 0, 0, 0, 4, 1, 1, 1, 1, 2]
        #expect(effects.encode() == put + rest)
    }

    @Test func theLargestKeyAndAnEmptyValueFit() throws {
        let effects = Effects.make { $0.put(.tweets, [UInt8](repeating: 1, count: Effects.maxKeyBytes), []) }
        #expect(try Effects.decode(effects.encode()) == effects)
        #expect(try Effects.decode([]).isEmpty)
    }

    @Test(
        arguments: [
            ("an unknown kind", [9, 9, 1, 1]),
            ("an unknown family", [2, 200, 1, 1]),
            ("family 0", [2, 0, 1, 1]),
            ("no family", [2]),
            ("no key length", [2, 9]),
            ("an empty key", [2, 9, 0]),
            ("a key cut short", [2, 9, 5, 1, 2]),
            ("a key longer than allowed", [2, 9, 0x81, 0x08] + [UInt8](repeating: 1, count: 1025)),
            ("a length in more bytes than it needs", [2, 9, 0x81, 0x00, 1]),
            ("a length without end", [2, 9, 0xff, 0xff, 0xff, 0xff, 0xff]),
            ("a value that claims 200 MB", [1, 9, 1, 1, 0xff, 0xff, 0xff, 0x5f]),
            ("a delta cut short", [3, 13, 1, 1, 0, 0, 0, 0, 0, 0, 0]),
            ("a range that is empty", [4, 1, 1, 2, 1, 2]),
            ("a range turned round", [4, 1, 1, 2, 1, 1]),
            ("something after the last operation", [2, 9, 1, 1, 0]),
        ] as [(String, [UInt8])])
    func malformedIsRefused(_ what: String, _ bytes: [UInt8]) {
        #expect {
            _ = try Effects.decode(bytes)
        } throws: {
            guard case StorageError.malformedEffects = $0 else { return false }
            return true
        }
    }

    @Test func appendedEffectsFollow() throws {
        var effects = Effects.make { $0.delete(.users, bytes("a")) }
        effects.append(.make { $0.delete(.users, bytes("b")) })
        #expect(effects.operations == [.delete(.users, key: bytes("a")), .delete(.users, key: bytes("b"))])
    }

    @Test func familiesKeepTheirNumbersAndNames() {
        let table = Family.allCases.map { "\($0.rawValue) \($0.name)" }
        #expect(
            table == [
                "1 log", "2 meta", "3 requests", "4 cursors", "5 users", "6 names", "7 sessions", "8 edges", "9 tweets",
                "10 authors", "11 reactions", "12 threads", "13 counts", "14 sums", "15 tags", "16 directory",
                "17 search",
            ])
        #expect(Family.allCases.filter { !$0.isProduct } == [.log, .meta, .search])
    }
}
