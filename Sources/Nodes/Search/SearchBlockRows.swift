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

    func chunk(of block: StoredBlock, containing term: [UInt8]) throws -> PackedBlock.Row? {
        let prefix = Rows.searchBlock(block.minId, in: partition)
        var found: PackedBlock.Row?
        // Behind the header, up to and including the term itself.
        try rows.scan(
            .search, from: prefix.bytes + [0], to: prefix.appending(term).bytes + [0], reverse: true
        ) { key, value in
            found = PackedBlock.Row(subkey: Array(key.dropFirst(prefix.bytes.count)), value: Array(value))
            return false
        }
        return found
    }

    /// All that are stored, ascending; one seek a block.
    func stored() throws -> [StoredBlock] {
        var blocks: [StoredBlock] = []
        let end = Key(partition: partition.rawValue).prefixEnd
        var from = Key(partition: partition.rawValue).bytes
        while let row = try rows.rows(.search, from: from, to: end, limit: 1).first {
            let ids = try BlockIds.unpack(row.value)
            guard let first = ids.first, let last = ids.last else { break }
            blocks.append(StoredBlock(minId: first, maxId: last, count: ids.count))
            from = Rows.searchBlock(last + 1, in: partition).bytes
        }
        return blocks
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
