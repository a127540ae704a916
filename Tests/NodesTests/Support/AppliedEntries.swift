import Cluster
import Messages
import Replication
import Storage

extension MemoryStore {
    /// A log of entries that each remember a request and so leave the applied index in no row of its own: all but the
    /// last are applied.
    func apply(upTo appliedIndex: UInt64, in partition: PartitionId) throws {
        var meta = PartitionMeta.with { $0.incarnation = 1 }
        for index in 1...appliedIndex + 1 {
            let entry = LogEntry.with {
                $0.epoch = 1
                $0.index = index
                $0.requests = [.with { $0.requestId = RequestId(timeMs: 1, random: index).bytes }]
            }
            var logged = Effects()
            logged.put(.log, ReplicationKeys.log(partition, index: index), StoredEntry.encode(entry))
            try write(logged, sync: true)
            guard index <= appliedIndex else { return }
            let (effects, next) = try StoredEntry.applying(entry, partition: partition, previous: meta)
            try write(effects, sync: false)
            meta = next
        }
    }
}
