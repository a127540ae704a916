/// Where the rows of a partition's stored blocks are read: a store, behind two questions.
protocol BlockSource {
    /// The value under the empty subkey.
    func header(of block: StoredBlock) throws -> [UInt8]
    /// The value of the chunk that begins with this term, which the block's directory names.
    func chunk(_ firstTerm: [UInt8], of block: StoredBlock) throws -> [UInt8]
}

/// Reads one stored block: a term that it may hold costs one row, the ids one more, when something was found.
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

    func mayHold(_ term: IndexTerm) -> Bool { block.directory.mayHold(term) }

    func postings(of term: IndexTerm) throws -> (any TermPostings)? {
        guard mayHold(term), let subkey = block.directory.chunk(containing: term) else { return nil }
        let row = PackedBlock.Row(subkey: subkey, value: try source.chunk(subkey, of: block))
        guard let found = try TermChunk(row).find(term.bytes) else { return nil }
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
