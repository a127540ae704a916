/// The ids of a block, as its header holds them.
///
/// All are of one partition, which the first one names; what differs is time and sequence, put side by side
/// (rule A1: `0 | 41 bits ms | 14 bits partition | 8 bits sequence`).
enum BlockIds {
    private static let sequenceBits: UInt64 = 8
    private static let timeShift: UInt64 = 22
    private static let momentLimit: UInt64 = 1 << (41 + 8)

    static func partition(of id: UInt64) -> UInt64 {
        (id >> sequenceBits) & ((1 << (timeShift - sequenceBits)) - 1)
    }

    private static func moment(of id: UInt64) -> UInt64 {
        ((id >> timeShift) << sequenceBits) | (id & 0xFF)
    }

    private static func id(_ moment: UInt64, partition: UInt64) -> UInt64 {
        ((moment >> sequenceBits) << timeShift) | (partition << sequenceBits) | (moment & 0xFF)
    }

    /// The header's value.
    ///
    /// - Parameter ids: at least one, ascending, of one partition.
    static func pack(_ ids: [UInt64]) -> [UInt8] {
        var writer = PackedWriter(format: PackedBlock.format)
        writer.varint(ids.count)
        writer.fixed64(ids[0])
        writer.fixed64(ids[ids.count - 1])
        for (before, id) in zip(ids, ids.dropFirst()) { writer.varint(moment(of: id) - moment(of: before)) }
        return writer.sealed()
    }

    /// Reads a header.
    ///
    /// - Returns: at least one id, ascending.
    static func unpack(_ header: [UInt8]) throws(PackedBlockError) -> [UInt64] {
        var reader = try PackedReader(row: header, format: PackedBlock.format)
        let count = try reader.count(atMost: MemorySegment.maxCapacity)
        let first = try reader.fixed64()
        let last = try reader.fixed64()
        // A delta has at least a byte: a count that lies is found out before room is made for it.
        guard count >= 1, count - 1 <= reader.remaining else { throw .damaged("a header's count is wrong") }
        var ids = [first]
        ids.reserveCapacity(count)
        var moment = moment(of: first)
        let partition = partition(of: first)
        for _ in 1..<count {
            let (next, overflows) = moment.addingReportingOverflow(try reader.varint())
            guard next > moment, !overflows, next < momentLimit else { throw .damaged("a header's ids do not ascend") }
            moment = next
            ids.append(id(moment, partition: partition))
        }
        guard ids[count - 1] == last, reader.remaining == 0 else { throw .damaged("a header's ids are wrong") }
        return ids
    }
}
