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
            throw StorageError.corrupt("the search block \(block.minId) of partition \(partition) has no header")
        }
        return header
    }

    func chunk(_ firstTerm: [UInt8], of block: StoredBlock) throws -> [UInt8] {
        let key = Rows.searchBlock(block.minId, in: partition).appending(firstTerm).bytes
        guard let chunk = try rows.get(.search, key) else {
            throw StorageError.corrupt("the search block \(block.minId) of partition \(partition) lacks a chunk")
        }
        return chunk
    }

    /// Those that are stored, ascending; one seek a block. It ends before a block without a directory, which a version
    /// of this program wrote that knew none: such a block, and those behind it, are to be made anew.
    func stored() throws -> [StoredBlock] {
        var blocks: [StoredBlock] = []
        let end = Key(partition: partition.rawValue).prefixEnd
        var from = Key(partition: partition.rawValue).bytes
        while true {
            let rows = try rows.rows(.search, from: from, to: end, limit: 2)
            guard rows.count == 2 else { return blocks }
            let ids = try BlockIds.unpack(rows[0].value)
            guard rows[1].key == rows[0].key + PackedBlock.directorySubkey else { return blocks }
            let directory = try BlockDirectory(packed: rows[1].value)
            let last = ids[ids.count - 1]
            blocks.append(StoredBlock(minId: ids[0], maxId: last, count: ids.count, directory: directory))
            from = Rows.searchBlock(last + 1, in: partition).bytes
        }
    }

    /// What removes the blocks above an id; nil when there are none.
    func removal(above id: UInt64?) throws -> Effects? {
        let all = Key(partition: partition.rawValue)
        let from = id.map { Rows.searchBlock($0 + 1, in: partition).bytes } ?? all.bytes
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
