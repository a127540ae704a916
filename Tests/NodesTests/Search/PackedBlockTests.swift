import Testing

@testable import Nodes

@Suite struct PackedBlockTests {
    private static func segment(tweets: Int, seed: UInt64) -> MemorySegment {
        var random = SearchChance(seed: seed)
        var segment = MemorySegment()
        var ms: UInt64 = 1000
        for number in 0..<tweets {
            ms += UInt64(random.below(5000))
            let id = ms << 22 | 5 << 8 | UInt64(number % 256)
            if id > segment.maxId { segment.add(random.tweet(id: id)) }
        }
        return segment
    }

    /// Every term with every tweet and position, from the newest tweet down.
    private static func contents(_ unit: any SearchUnit, _ terms: [IndexTerm]) throws -> [String] {
        var lines = try ["\(unit.count) \(unit.minId) \(unit.maxId) \(unit.ids())"]
        for term in terms {
            guard let postings = try unit.postings(of: term) else {
                lines.append("\(term) absent")
                continue
            }
            var ordinal = try postings.advance(to: unit.count - 1)
            while ordinal >= 0 {
                var positions: [Int] = []
                try postings.positions(into: &positions)
                lines.append("\(term) \(postings.estimate) \(ordinal) \(term.hasPositions ? positions : [])")
                ordinal = try postings.advance(to: ordinal - 1)
            }
        }
        return lines
    }

    private static func terms(of segment: MemorySegment) -> [IndexTerm] {
        segment.terms.sortedRows().map { IndexTerm(bytes: Array(segment.terms.bytes[segment.terms.range(of: $0)])) }
    }

    @Test(arguments: [1, 2, 50, 2000])
    func aBlockSaysWhatItsSegmentSays(tweets: Int) throws {
        let seed = Seed.fresh()
        let segment = Self.segment(tweets: tweets, seed: seed)
        let block = PackedBlock(segment)
        let blocks = MemoryBlocks()
        blocks.store(block)
        let reader = BlockReader(block.summary, from: blocks)
        var terms = Self.terms(of: segment)
        #expect(terms.allSatisfy(reader.mayHold))
        terms += [IndexTerm(.word, "absent"), IndexTerm(.word, "zzzz"), IndexTerm(bytes: [0x01])]
        #expect(try Self.contents(reader, terms) == Self.contents(segment, terms), "ROOKERY_SEED=\(seed)")
        #expect(try BlockDirectory(packed: block.rows[1].value) == block.summary.directory)
        let packed = try block.rows.dropFirst(2).flatMap { try TermChunk($0).all().map(\.term) }
        #expect(packed == terms.dropLast(3), "ROOKERY_SEED=\(seed)")
    }

    @Test func manyTermsGoIntoManyChunks() throws {
        var segment = MemorySegment()
        for number in 0..<2000 {
            let text = "w\(number) w\(number / 2) w\(number / 40) common common words"
            segment.add(IndexedTweet(id: UInt64(number) << 22, text: text, author: "u\(number % 300)"))
        }
        let block = PackedBlock(segment)
        #expect(block.rows.count > 3)
        #expect(block.rows.map(\.subkey) == block.rows.map(\.subkey).sorted { $0.lexicographicallyPrecedes($1) })
        #expect(block.rows.allSatisfy { $0.value.count < 16 * 1024 })
        let blocks = MemoryBlocks()
        blocks.store(block)
        let terms = Self.terms(of: segment)
        let reader = BlockReader(block.summary, from: blocks)
        #expect(try Self.contents(reader, terms) == Self.contents(segment, terms))
    }

    // MARK: Damage

    /// A block whose rows can be changed.
    private final class OneBlock: BlockSource {
        var rows: [PackedBlock.Row]

        init(_ rows: [PackedBlock.Row]) { self.rows = rows }

        func header(of block: StoredBlock) -> [UInt8] { rows[0].value }

        func chunk(_ firstTerm: [UInt8], of block: StoredBlock) -> [UInt8] {
            rows.first { $0.subkey == firstTerm }!.value
        }
    }

    @Test func aDamagedRowIsRefused() throws {
        let segment = Self.segment(tweets: 12, seed: 3)
        let block = PackedBlock(segment)
        let terms = Self.terms(of: segment)
        let whole = try Self.contents(segment, terms)
        for row in block.rows.indices {
            let value = block.rows[row].value
            var damages = value.indices.map { Array(value[..<$0]) }
            for index in value.indices {
                for bit in 0..<8 {
                    var flipped = value
                    flipped[index] ^= 1 << bit
                    damages.append(flipped)
                }
            }
            for damage in damages {
                let source = OneBlock(block.rows)
                source.rows[row].value = damage
                let contents = try? Self.contents(BlockReader(block.summary, from: source), terms)
                #expect(contents == nil || contents == whole)
            }
        }
    }

    /// Bytes that lie under a checksum that is right: whatever they say, it is bounded and nothing traps.
    @Test func liesUnderARightChecksumAreBounded() throws {
        let seed = Seed.fresh()
        var random = SearchChance(seed: seed)
        let segment = Self.segment(tweets: 12, seed: 4)
        let block = PackedBlock(segment)
        let terms = Self.terms(of: segment)
        for _ in 0..<4000 {
            let source = OneBlock(block.rows)
            let row = random.below(block.rows.count)
            source.rows[row].value = Self.lying(block.rows[row].value, &random)
            let contents = try? Self.contents(BlockReader(block.summary, from: source), terms)
            #expect((contents?.count ?? 0) <= 1 + terms.count * segment.count)
            _ = try? TermChunk(source.rows[row]).all()
        }
    }

    private static func lying(_ value: [UInt8], _ random: inout SearchChance) -> [UInt8] {
        var writer = PackedWriter(format: value[0])
        var body = Array(value[1..<value.count - PackedReader.checksumBytes])
        for _ in 0..<1 + random.below(3) where !body.isEmpty {
            switch random.below(3) {
            case 0: body[random.below(body.count)] = UInt8(random.below(256))
            case 1: body[random.below(body.count)] = random.pick([0, 0x7F, 0x80, 0xFF])
            default: body.removeLast(random.below(min(body.count, 20)) + 1)
            }
        }
        writer.append(body)
        return writer.sealed()
    }

    @Test func aCountThatLiesAllocatesNothing() {
        var writer = PackedWriter(format: PackedBlock.format)
        writer.varint(MemorySegment.maxCapacity)
        writer.fixed64(1)
        writer.fixed64(2)
        #expect(throws: PackedBlockError.damaged("a header's count is wrong")) {
            try BlockIds.unpack(writer.sealed())
        }
    }

    @Test(arguments: [UInt8(1), 3]) func anotherFormatIsNamed(format: UInt8) throws {
        let row = PackedWriter(format: format).sealed()
        #expect(throws: PackedBlockError.unknownFormat(format)) { try BlockIds.unpack(row) }
        #expect(throws: PackedBlockError.unknownFormat(format)) {
            try TermChunk(PackedBlock.Row(subkey: [1], value: row))
        }
    }

    @Test func aBlockUnderAnothersNameIsRefused() throws {
        let block = PackedBlock(Self.segment(tweets: 12, seed: 3))
        var other = block.summary
        other.count -= 1
        #expect(throws: PackedBlockError.damaged("a header is not its block's")) {
            try BlockReader(other, from: OneBlock(block.rows)).ids()
        }
    }
}
