import Cluster

/// A stored block that cannot be read. It is as good as lost: it and those behind it are made anew from their tweets.
struct DamagedBlock: Error, Equatable {
    /// The block's first id.
    let minId: UInt64
    let reason: PackedBlockError

    /// Ids name it.
    var partition: PartitionId { Id(rawValue: minId).partition }

    /// Reads something of a block. What is wrong with its bytes is told with the block's name.
    static func naming<Part>(_ minId: UInt64, _ read: () throws -> Part) throws -> Part {
        do {
            return try read()
        } catch let reason as PackedBlockError {
            throw DamagedBlock(minId: minId, reason: reason)
        }
    }
}
