/// Names a stored block of a partition and says what lies in it.
struct StoredBlock: Hashable, Sendable {
    var minId: UInt64
    var maxId: UInt64
    var count: Int
    var directory: BlockDirectory
}

/// A full segment in the form in which it is stored: a few rows, sorted by subkey.
///
///     subkey                value
///     (empty)               the header
///     0                     the directory: what is kept in memory while the block is stored
///     a chunk's first term  a chunk: whole terms, ascending, about two KiB and at most one term more
///
///     header   format 2, count varint, min id u64, max id u64, then a delta varint for each id after the first
///     directory  format 2, chunks varint, then for each: length varint, so many bytes of its first term; the rest is
///              a filter of the block's terms (`TermFilter`)
///     chunk    format 2, terms varint, then for each term:
///                  shared varint     bytes in common with the term before; 0 in a chunk's first
///                  rest varint, rest bytes
///                  documents varint  ≥ 1
///                  length varint, so many bytes of postings
///     posting  from the newest tweet down; gap = the ordinal before (at first the count) − 1 − ordinal
///                  of a fact         gap varint
///                  of a word, once   gap << 1 varint, position varint
///                  more often        gap << 1 | 1 varint, n − 2 varint, the first position varint, then n − 1 times
///                                    the distance to the one before it, minus 1, varint
///
/// Every value ends with a checksum (XXH3-64's lower 32 bits) of what is before it. Fixed numbers are little-endian.
/// A term is found in the chunk with the greatest subkey that is not above it. No term begins with a byte 0.
struct PackedBlock: Sendable {
    struct Row: Hashable, Sendable {
        var subkey: [UInt8]
        var value: [UInt8]
    }

    /// Blocks of other formats are made anew. Since 2 a tweet is found by the wider languages of its own, too.
    static let format: UInt8 = 2
    static let directorySubkey: [UInt8] = [0]
    /// A chunk that has reached this size takes no further term. One is read, checked and searched for each look-up.
    static let chunkBytes = 2 * 1024

    let summary: StoredBlock
    /// The header first, then the directory, then the chunks by their subkeys.
    let rows: [Row]

    /// - Parameter segment: not empty. Sealed, since what is added later is not in the block.
    init(_ segment: MemorySegment) {
        precondition(!segment.isEmpty, "an empty block says nothing")
        var packing = BlockPacking(segment)
        let chunks = packing.chunks()
        let directory = BlockDirectory(firstTerms: chunks.map(\.subkey), filter: packing.filter)
        summary = StoredBlock(
            minId: segment.minId, maxId: segment.maxId, count: segment.count, directory: directory)
        rows =
            [
                Row(subkey: [], value: BlockIds.pack(segment.ids())),
                Row(subkey: Self.directorySubkey, value: directory.packed()),
            ] + chunks
    }
}

/// Cuts a segment's terms into chunks.
private struct BlockPacking {
    private let segment: MemorySegment
    private(set) var filter: TermFilter
    private var rows: [PackedBlock.Row] = []
    private var entries: [UInt8] = []
    private var terms = 0
    private var firstTerm: ArraySlice<UInt8> = []
    private var lastTerm: ArraySlice<UInt8> = []
    private var postings: [UInt8] = []
    private var positions: [Int] = []

    init(_ segment: MemorySegment) {
        self.segment = segment
        filter = TermFilter(terms: segment.terms.count)
    }

    mutating func chunks() -> [PackedBlock.Row] {
        for row in segment.terms.sortedRows() {
            let term = segment.terms.bytes[segment.terms.range(of: row)]
            filter.insert(term.span)
            append(term, MemoryPostings(segment.postings, row: row))
            if entries.count >= PackedBlock.chunkBytes { finishChunk() }
        }
        if terms > 0 { finishChunk() }
        return rows
    }

    private mutating func append(_ term: ArraySlice<UInt8>, _ list: MemoryPostings) {
        if terms == 0 {
            firstTerm = term
            lastTerm = []
        }
        let shared = zip(term, lastTerm).prefix { $0 == $1 }.count
        PackedWriter.append(UInt64(shared), to: &entries)
        PackedWriter.append(UInt64(term.count - shared), to: &entries)
        entries.append(contentsOf: term.dropFirst(shared))
        PackedWriter.append(UInt64(list.estimate), to: &entries)
        pack(list, hasPositions: IndexTerm(bytes: Array(term)).hasPositions)
        PackedWriter.append(UInt64(postings.count), to: &entries)
        entries.append(contentsOf: postings)
        terms += 1
        lastTerm = term
    }

    private mutating func pack(_ list: MemoryPostings, hasPositions: Bool) {
        postings.removeAll(keepingCapacity: true)
        var above = segment.count
        var ordinal = list.advance(to: above - 1)
        while ordinal >= 0 {
            let gap = UInt64(above - 1 - ordinal)
            if hasPositions {
                positions.removeAll(keepingCapacity: true)
                list.positions(into: &positions)
                packPositions(gap: gap)
            } else {
                PackedWriter.append(gap, to: &postings)
            }
            above = ordinal
            ordinal = list.advance(to: above - 1)
        }
    }

    private mutating func packPositions(gap: UInt64) {
        let isRepeated = positions.count > 1
        PackedWriter.append(gap << 1 | (isRepeated ? 1 : 0), to: &postings)
        if isRepeated { PackedWriter.append(UInt64(positions.count - 2), to: &postings) }
        var next = 0
        for position in positions {
            PackedWriter.append(UInt64(position - next), to: &postings)
            next = position + 1
        }
    }

    private mutating func finishChunk() {
        var writer = PackedWriter(format: PackedBlock.format)
        writer.varint(terms)
        writer.append(entries)
        rows.append(PackedBlock.Row(subkey: Array(firstTerm), value: writer.sealed()))
        entries.removeAll(keepingCapacity: true)
        terms = 0
    }
}
