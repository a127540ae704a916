import Cluster
import Messages
import Storage

/// How a partition comes back after a stop or a crash (rules B1, C5, C7): what is in the log and has left no mark of
/// being applied is re-stamped with the new epoch, an entry of its own is appended, both are committed and applied,
/// then it serves.
struct Recovery {
    struct Result: Sendable {
        var partition: PartitionId
        var core: PrimaryCore
        var meta: PartitionMeta
        /// Everything that is in the log, applied by now, ascending.
        var entries: [LogEntry]
    }

    let store: any Store
    let node: NodeId
    let partition: PartitionId
    let nowMs: UInt64

    func run(epoch: UInt64, members: [NodeId]) throws -> Result {
        var meta = try PartitionMeta.stored(of: partition, in: store)
        let stored = try readLog(appliedIndex: meta.appliedIndex)
        try pass(stored, &meta)
        try checkEnd(stored.last?.index ?? 0)
        let lastEpoch = max(meta.appliedEpoch, stored.last?.epoch ?? 0)
        guard epoch > lastEpoch else {
            throw corrupt("the keeper gave epoch \(epoch), and the log already holds epoch \(lastEpoch)")
        }
        var core = PrimaryCore(
            epoch: epoch, lastEpoch: meta.appliedEpoch, lastIndex: meta.appliedIndex, appliedIndex: meta.appliedIndex,
            members: members)

        var tail = stored.filter { $0.index > meta.appliedIndex }
        tail.append(LogEntry.with { $0.timeMs = nowMs })
        try append(&tail, with: &core)
        guard core.madeDurable(by: node, upTo: core.lastIndex) == [.apply(upTo: core.lastIndex)] else {
            throw corrupt("the tail of the log waits for other members")
        }
        try apply(tail, to: &meta)
        core.applied(upTo: core.lastIndex)
        let applied = stored.prefix { $0.index < tail[0].index }
        return Result(partition: partition, core: core, meta: meta, entries: applied + tail)
    }

    /// Takes the figures along what was applied after they were stored.
    private func pass(_ entries: [LogEntry], _ meta: inout PartitionMeta) throws {
        var firstUnapplied: UInt64?
        for entry in entries where entry.index > meta.appliedIndex {
            guard try AppliedMark.isThere(of: entry, partition, in: store) else {
                firstUnapplied = firstUnapplied ?? entry.index
                continue
            }
            // To apply it once more would double its merges.
            if let firstUnapplied {
                throw corrupt("log entry \(entry.index) was applied, and entry \(firstUnapplied) before it was not")
            }
            meta.pass(entry)
        }
    }

    /// Entries that were lost from the log's end after they were applied have left their answers. The newest few are
    /// looked at, by the times of their requests: what a damaged log is short of is its newest.
    private func checkEnd(_ last: UInt64) throws {
        let first = Key(partition: partition.rawValue).bytes
        let permanent = ReplicationKeys.request(partition, RequestId(timeMs: .max, random: 0))
        var count = 0
        try store.scan(.requests, from: first, to: permanent, reverse: true) { _, value in
            let named = try RememberedRow.decode(value).index
            guard named <= last else { throw corrupt("the log ends at \(last), and entry \(named) was answered") }
            count += 1
            return count < 64
        }
    }

    /// The log as it lies there, checked: every checksum, no index missing.
    private func readLog(appliedIndex: UInt64) throws -> [LogEntry] {
        var entries: [LogEntry] = []
        let prefix = Key(partition: partition.rawValue)
        try store.scan(.log, from: prefix.bytes, to: prefix.prefixEnd, reverse: false) { _, value in
            let entry = try StoredEntry.decode(value, partition: partition)
            if let last = entries.last, entry.index != last.index + 1 {
                throw corrupt("log entry \(last.index + 1) is missing")
            }
            entries.append(entry)
            return true
        }
        // Trimming always leaves something: an empty log was lost (rule C7).
        if entries.isEmpty, appliedIndex > 0 { throw corrupt("the log is gone, and \(appliedIndex) was applied") }
        if let first = entries.first, first.index > appliedIndex + 1 {
            throw corrupt("log entries \(appliedIndex + 1) to \(first.index - 1) are missing")
        }
        if let last = entries.last, last.index < appliedIndex {
            throw corrupt("the log ends at \(last.index), and \(appliedIndex) was applied")
        }
        return entries
    }

    private func append(_ tail: inout [LogEntry], with core: inout PrimaryCore) throws {
        var effects = Effects()
        for index in tail.indices {
            let position = core.propose()
            tail[index].epoch = position.epoch
            tail[index].index = position.index
            tail[index].previousEpoch = position.previousEpoch
            effects.put(
                .log, ReplicationKeys.log(partition, index: position.index), StoredEntry.encode(tail[index]))
        }
        try store.write(effects, sync: true)
    }

    private func apply(_ tail: [LogEntry], to meta: inout PartitionMeta) throws {
        for entry in tail {
            let (effects, next) = try StoredEntry.applying(entry, partition: partition, previous: meta)
            try store.write(effects, sync: false)
            meta = next
        }
    }

    private func corrupt(_ what: String) -> ReplicationError {
        .corrupt(partition: partition, what: what)
    }
}
