import Cluster
import Messages
import Storage

/// What applying an entry leaves in the store to tell that it was applied (docs/decisions/0016).
///
/// An entry that remembers requests needs no row of its own for that: each remembered answer names the entry's index.
/// Every other entry writes the partition's `PartitionMeta`, and so does one that forgets requests, for what it
/// removes were marks of earlier entries. Written in the batch that applies the entry, so that no merge is replayed
/// twice (rule B5).
enum AppliedMark {
    static func isInRequests(of entry: LogEntry) throws -> Bool {
        try !entry.requests.isEmpty && !Effects.touch(in: entry.effects) { $0 == .requests }
    }

    /// Whether `rows` show the answers that this entry remembers; they are written all together. To be asked of entries
    /// above the stored figures only.
    /// - Throws: `ReplicationError.corrupt` when only some of them are there, or what storage throws.
    static func isThere(of entry: LogEntry, _ partition: PartitionId, in rows: any Reader) throws -> Bool {
        guard try isInRequests(of: entry) else { return false }
        let there = try entry.requests.filter { request in
            let row = try rows.get(.requests, key(of: request, partition)).map { try RememberedRow.decode($0) }
            return row?.index == entry.index
        }.count
        guard there == 0 || there == entry.requests.count else {
            let what = "\(there) of \(entry.requests.count) answers of log entry \(entry.index)"
            throw ReplicationError.corrupt(partition: partition, what: what)
        }
        return there > 0
    }

    static func key(of request: RequestRecord, _ partition: PartitionId) throws -> [UInt8] {
        guard let id = RequestId(bytes: request.requestId) else {
            throw ReplicationError.corrupt(partition: partition, what: "a request id of the wrong length")
        }
        return ReplicationKeys.request(partition, id)
    }
}

extension PartitionMeta {
    /// A partition's figures as of what `rows` show: those that are stored, taken along the log as far as its entries
    /// have left their marks.
    /// - Parameter rows: one moment's: a snapshot, or a store that nobody writes to.
    /// - Throws: `ReplicationError.corrupt`, or what storage throws.
    public static func read(of partition: PartitionId, in rows: any Reader) throws -> PartitionMeta {
        var meta = try stored(of: partition, in: rows)
        let next = ReplicationKeys.log(partition, index: meta.appliedIndex + 1)
        try rows.scan(.log, from: next, to: Key(partition: partition.rawValue).prefixEnd, reverse: false) { _, value in
            let entry = try StoredEntry.decode(value, partition: partition)
            let isApplied = try AppliedMark.isThere(of: entry, partition, in: rows)
            if isApplied { meta.pass(entry) }
            return isApplied
        }
        return meta
    }

    /// As of the last entry that wrote them, or the last time they were noted.
    static func stored(of partition: PartitionId, in rows: any Reader) throws -> PartitionMeta {
        guard let bytes = try rows.get(.meta, ReplicationKeys.meta(partition)) else {
            return .with { $0.incarnation = 1 }
        }
        return try PartitionMeta.decode(bytes)
    }

    /// To what they are once `entry`, which comes next, is applied (rule A2: no highest id is left out).
    mutating func pass(_ entry: LogEntry) {
        appliedIndex = entry.index
        appliedEpoch = entry.epoch
        highestId = max(highestId, entry.highestId)
    }
}
