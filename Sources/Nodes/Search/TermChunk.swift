/// One chunk of a block: some of its terms in order, each with its postings.
struct TermChunk {
    /// A term's postings within the chunk's bytes.
    struct Found: Equatable {
        var documents: Int
        var postings: Range<Int>
    }

    private let row: PackedBlock.Row
    private let entries: PackedReader
    private let terms: Int

    /// Verifies the row: its checksum, its format, and that its subkey is its first term.
    init(_ row: PackedBlock.Row) throws(PackedBlockError) {
        self.row = row
        var reader = try PackedReader(row: row.value, format: PackedBlock.format)
        // The least that a term takes is five bytes: four numbers and a posting.
        terms = try reader.count(atMost: reader.remaining / 5)
        entries = reader
        var first = reader
        let shared = try first.count(atMost: 0)
        let rest = try first.skip(try first.count(atMost: IndexTerm.maxBytes))
        guard terms > 0, shared == 0, !rest.isEmpty, row.value[rest] == row.subkey[...] else {
            throw .damaged("a chunk is not where its first term belongs")
        }
    }

    /// The term's postings; nil when it is not in the chunk.
    ///
    /// Terms ascend, and each says how much it has in common with the one before: so only those need comparing that
    /// share with it exactly what the one before had in common with the wanted term.
    func find(_ term: [UInt8]) throws(PackedBlockError) -> Found? {
        var reader = entries
        var matched = 0
        for _ in 0..<terms {
            let shared = try reader.count(atMost: IndexTerm.maxBytes)
            let rest = try reader.skip(try reader.count(atMost: IndexTerm.maxBytes))
            let documents = try reader.count(atMost: MemorySegment.maxCapacity)
            let postings = try reader.skip(try reader.count(atMost: reader.remaining))
            if shared < matched { return nil }
            guard shared == matched else { continue }
            for byte in row.value[rest] {
                guard matched < term.count, term[matched] == byte else { break }
                matched += 1
            }
            let isWhole = matched - shared == rest.count
            if isWhole && matched == term.count { return Found(documents: documents, postings: postings) }
            if !isWhole && (matched == term.count || row.value[rest.lowerBound + matched - shared] > term[matched]) {
                return nil
            }
        }
        return nil
    }

    /// All terms in order, with the order and every bound verified: what a check of the whole store reads.
    func all() throws(PackedBlockError) -> [(term: IndexTerm, found: Found)] {
        var reader = entries
        var result: [(term: IndexTerm, found: Found)] = []
        var term: [UInt8] = []
        for _ in 0..<terms {
            let before = term
            let shared = try reader.count(atMost: before.count)
            let rest = try reader.skip(try reader.count(atMost: IndexTerm.maxBytes - shared))
            term = Array(before[..<shared]) + row.value[rest]
            guard before.lexicographicallyPrecedes(term) else { throw .damaged("a chunk's terms do not ascend") }
            let documents = try reader.count(atMost: MemorySegment.maxCapacity)
            let postings = try reader.skip(try reader.count(atMost: reader.remaining))
            result.append((IndexTerm(bytes: term), Found(documents: documents, postings: postings)))
        }
        guard reader.remaining == 0 else { throw .damaged("a chunk holds more than its terms") }
        return result
    }
}
