/// Where the rows of a partition's stored blocks are read: a store, behind two questions.
protocol BlockSource {
    /// The value under the empty subkey.
    func header(of block: StoredBlock) throws -> [UInt8]
    /// The row with the greatest subkey that is not above the term, the header apart; nil when all are above it.
    func chunk(of block: StoredBlock, containing term: [UInt8]) throws -> PackedBlock.Row?
}

/// Reads one stored block: a term costs one row, the ids one more, when something was found.
final class BlockReader: SearchUnit {
    private let block: StoredBlock
    private let source: any BlockSource
    private var readIds: [UInt64]?

    init(_ block: StoredBlock, from source: any BlockSource) {
        self.block = block
        self.source = source
    }

    var count: Int { block.count }
    var minId: UInt64 { block.minId }
    var maxId: UInt64 { block.maxId }

    func postings(of term: IndexTerm) throws -> (any TermPostings)? {
        guard let row = try source.chunk(of: block, containing: term.bytes),
            let found = try TermChunk(row).find(term.bytes)
        else { return nil }
        guard (1...count).contains(found.documents) else {
            throw PackedBlockError.damaged("a term has more tweets than its block")
        }
        return PackedPostings(row.value, found, hasPositions: term.hasPositions, count: count)
    }

    func ids() throws -> [UInt64] {
        if let readIds { return readIds }
        let ids = try BlockIds.unpack(source.header(of: block))
        guard ids.count == count, ids[0] == minId, ids[ids.count - 1] == maxId else {
            throw PackedBlockError.damaged("a header is not its block's")
        }
        readIds = ids
        return ids
    }
}
