import Testing

@testable import Nodes

/// What is kept in memory of a stored block.
@Suite struct BlockDirectoryTests {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(arguments: [1, 2, 100, 6000]) func aFilterNeverMissesAndSeldomErrs(terms: Int) {
        var filter = TermFilter(terms: terms)
        for number in 0..<terms { filter.insert(Self.bytes("word\(number)").span) }
        #expect((0..<terms).allSatisfy { filter.mayHold(Self.bytes("word\($0)").span) })
        let wrong = (0..<10_000).count { filter.mayHold(Self.bytes("other\($0)").span) }
        // 0.8 % are expected of ten bits; few terms make a few bits, of which more errs.
        #expect(wrong < (terms < 100 ? 1000 : 200), "\(wrong) of 10,000")
    }

    @Test func theChunkOfATermIsTheLastThatBeginsAtOrBelowIt() throws {
        let directory = BlockDirectory(
            firstTerms: ["#a", "m", "mm", "x"].map(Self.bytes), filter: TermFilter(terms: 1))
        let places = ["!": nil, "#a": "#a", "#b": "#a", "m": "m", "ma": "m", "mm": "mm", "w": "mm", "x": "x", "z": "x"]
        for (term, chunk) in places {
            #expect(directory.chunk(containing: IndexTerm(bytes: Self.bytes(term))) == chunk.map(Self.bytes), "\(term)")
        }
        #expect(try BlockDirectory(packed: directory.packed()) == directory)
    }

    @Test func aDamagedDirectoryIsRefused() throws {
        var filter = TermFilter(terms: 3)
        filter.insert(Self.bytes("a").span)
        let value = BlockDirectory(firstTerms: [Self.bytes("a"), Self.bytes("b")], filter: filter).packed()
        for index in value.indices {
            var damaged = value
            damaged[index] ^= 1
            #expect(throws: PackedBlockError.self) { try BlockDirectory(packed: damaged) }
            #expect(throws: PackedBlockError.self) { try BlockDirectory(packed: Array(value[..<index])) }
        }
    }

    /// Under a checksum that is right: a row that says nothing, chunks out of order, no filter.
    @Test func aDirectoryThatLiesIsRefused() {
        let lies: [[UInt8]] = [
            [], [0], [0, 1], [1], [1, 0, 7], [1, 1], [1, 1, 65], [2, 1, 66, 1, 65, 7], [200, 1],
        ]
        for lie in lies {
            var writer = PackedWriter(format: PackedBlock.format)
            writer.append(lie)
            let row = writer.sealed()
            #expect(throws: PackedBlockError.self) { try BlockDirectory(packed: row) }
        }
    }
}
