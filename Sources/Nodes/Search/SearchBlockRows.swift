import Cluster
import Storage

/// A partition's stored blocks, as rows of the `search` family: the block's first id, then the subkey.
///
/// The family is no part of the log: each node makes it from the tweets' rows, and may lose it at no loss.
struct SearchBlockRows: BlockSource {
    let partition: PartitionId
    let rows: any Reader

    func header(of block: StoredBlock) throws -> [UInt8] {
        let key = Rows.searchBlock(block.minId, in: partition).bytes
        guard let header = try rows.get(.search, key) else {
            throw PackedBlockError.damaged("its header is missing")
        }
        return header
    }

    func chunk(_ firstTerm: [UInt8], of block: StoredBlock) throws -> [UInt8] {
        let key = Rows.searchBlock(block.minId, in: partition).appending(firstTerm).bytes
        guard let chunk = try rows.get(.search, key) else {
            throw PackedBlockError.damaged("a chunk is missing")
        }
        return chunk
    }

    /// Those that are stored, ascending; one seek a block. It ends before the first that is not whole: such a block, and
    /// those behind it, are to be made anew.
    /// - Parameter damaged: told of a block that cannot be read; not of one without a directory, which a version of this
    ///   program wrote that knew none.
    func stored(damaged: (DamagedBlock) -> Void) throws -> [StoredBlock] {
        var blocks: [StoredBlock] = []
        while true {
            do {
                guard let block = try block(from: blocks.last.map { $0.maxId + 1 }) else { return blocks }
                blocks.append(block)
            } catch let damage as DamagedBlock {
                damaged(damage)
                return blocks
            }
        }
    }

    /// The first one from an id on; nil when there is none, or none with a directory.
    private func block(from id: UInt64?) throws -> StoredBlock? {
        let all = Key(partition: partition.rawValue)
        let from = id.map { Rows.searchBlock($0, in: partition).bytes } ?? all.bytes
        let rows = try rows.rows(.search, from: from, to: all.prefixEnd, limit: 2)
        guard let header = rows.first else { return nil }
        let minId = try Rows.searchBlockId(header.key)
        return try DamagedBlock.naming(minId) {
            let ids = try BlockIds.unpack(header.value)
            let key = Rows.searchBlock(ids[0], in: partition).bytes
            guard header.key == key else { throw PackedBlockError.damaged("a header is not its block's") }
            guard rows.count == 2, rows[1].key == key + PackedBlock.directorySubkey else { return nil }
            let directory = try BlockDirectory(packed: rows[1].value)
            return StoredBlock(minId: minId, maxId: ids[ids.count - 1], count: ids.count, directory: directory)
        }
    }

    /// What removes the blocks from an id on, or all; nil when there are none.
    func removal(from id: UInt64?) throws -> Effects? {
        let all = Key(partition: partition.rawValue)
        let from = id.map { Rows.searchBlock($0, in: partition).bytes } ?? all.bytes
        guard try !rows.rows(.search, from: from, to: all.prefixEnd, limit: 1).isEmpty else { return nil }
        var effects = Effects()
        effects.deleteRange(.search, from: from, to: all.prefixEnd)
        return effects
    }

    static func effects(storing block: PackedBlock, in partition: PartitionId) -> Effects {
        let prefix = Rows.searchBlock(block.summary.minId, in: partition)
        var effects = Effects()
        // A block of the same first id may have been written before, and its segment grown since.
        effects.deleteRange(.search, from: prefix.bytes, to: prefix.prefixEnd)
        for row in block.rows { effects.put(.search, prefix.appending(row.subkey).bytes, row.value) }
        return effects
    }
}
