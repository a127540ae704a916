import Cluster
import Messages
import Storage

/// A log entry as it is stored: the encoded `LogEntry` with the XXH3-64 of those bytes behind it, little-endian.
///
/// The checksum names the content: a member that gets the same (epoch, index) with another checksum stops (rule B1).
public enum StoredEntry {
    static let checksumBytes = 8

    public static func encode(_ entry: LogEntry) -> [UInt8] {
        var bytes = entry.encode()
        let checksum = bytes.withUnsafeBytes { Checksum.xxh3($0) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// - Throws: `ReplicationError.corrupt` when the bytes are not what was written.
    public static func decode(_ bytes: UnsafeRawBufferPointer, partition: PartitionId) throws -> LogEntry {
        guard bytes.count >= checksumBytes else {
            throw ReplicationError.corrupt(partition: partition, what: "a log entry of \(bytes.count) bytes")
        }
        let content = UnsafeRawBufferPointer(rebasing: bytes.dropLast(checksumBytes))
        let stored = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: content.count, as: UInt64.self))
        guard stored == Checksum.xxh3(content) else {
            throw ReplicationError.corrupt(partition: partition, what: "a log entry whose checksum does not match")
        }
        return try LogEntry.decode(content)
    }
}

/// The rows that replication itself keeps. Product rows are the services' own.
public enum ReplicationKeys {
    public static func log(_ partition: PartitionId, index: UInt64) -> [UInt8] {
        Key(partition: partition.rawValue).appending(index).bytes
    }

    public static func meta(_ partition: PartitionId) -> [UInt8] {
        Key(partition: partition.rawValue).bytes
    }

    /// Sorted by the request's time, so that old ones go with one range (rule B3); import keys sort last and stay.
    public static func request(_ partition: PartitionId, _ id: RequestId) -> [UInt8] {
        Key(partition: partition.rawValue).appending(id.bytes).bytes
    }

    public static func cursor(_ partition: PartitionId, source: PartitionId) -> [UInt8] {
        Key(partition: partition.rawValue).appending(source.rawValue).bytes
    }
}

extension StoredEntry {
    /// All that applying an entry writes: its effects, the answers to remember and, unless these tell already that it
    /// was applied, the partition's own figures; in one atomic batch. A function of the entry and the figures before
    /// it, so that a replay gives equal bytes (rule B4).
    public static func applying(
        _ entry: LogEntry, partition: PartitionId, previous: PartitionMeta
    ) throws -> (effects: Effects, meta: PartitionMeta) {
        var effects = try Effects.decode(entry.effects)
        for request in entry.requests {
            let row = RememberedRow.with {
                $0.answer = request.answer
                $0.index = entry.index
                $0.destinations = request.destinations
            }
            effects.put(.requests, try AppliedMark.key(of: request, partition), row.encode())
        }
        var meta = previous
        meta.pass(entry)
        if try !AppliedMark.isInRequests(of: entry) {
            effects.put(.meta, ReplicationKeys.meta(partition), meta.encode())
        }
        return (effects, meta)
    }
}
