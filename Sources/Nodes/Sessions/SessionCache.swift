import Cluster
import Messages
import Replication
import Storage
import Synchronization

/// Who was found behind sessions lately, so that a session's next call need not visit the storage threads first.
///
/// An observer of the logs: an entry that changes an account or a session of a partition drops what is kept of that
/// partition, and it does so before the change is answered. A session that was ended is so never taken for one that
/// holds. Passwords, states and names are as they are stored; whether a session has expired is asked at each call.
final class SessionCache: AppliedObserver {
    struct Found: Sendable {
        var user: UserRow
        var session: SessionRow
    }

    private struct Key: Hashable {
        var user: UInt64
        var session: UInt64
    }

    private struct Shelf: Sendable {
        /// Changes that were applied since the start.
        var changes: UInt64 = 0
        var found: [Key: Found] = [:]
    }

    /// Sessions of one partition; a shelf that is full is emptied.
    static let capacity = 512

    private let shelves = Mutex<[PartitionId: Shelf]>([:])

    /// What was found, if nothing has changed since.
    /// - Parameter find: reads the two rows; what it finds is kept, unless something was applied meanwhile.
    /// - Throws: what `find` throws; that is not kept.
    func found(_ session: UInt64, of user: Id, orElse find: () async throws -> Found) async throws -> Found {
        let key = Key(user: user.rawValue, session: session)
        let (known, changes) = shelves.withLock { shelves in
            let shelf = shelves[user.partition] ?? Shelf()
            return (shelf.found[key], shelf.changes)
        }
        if let known { return known }
        let found = try await find()
        keep(found, key, in: user.partition, ifStillAt: changes)
        return found
    }

    private func keep(_ found: Found, _ key: Key, in partition: PartitionId, ifStillAt changes: UInt64) {
        shelves.withLock { shelves in
            guard shelves[partition]?.changes ?? 0 == changes else { return }
            if let count = shelves[partition]?.found.count, count >= Self.capacity {
                shelves[partition]?.found.removeAll(keepingCapacity: true)
            }
            shelves[partition, default: Shelf()].found[key] = found
        }
    }

    /// On the partition's event loop, after what is applied can be read and before it is answered.
    func applied(_ entry: LogEntry, in partition: Partition) throws {
        if try Effects.touch(in: entry.effects, { $0 == .sessions || $0 == .users }) { changed(partition.id) }
    }

    func changed(_ partition: PartitionId) {
        shelves.withLock { shelves in
            let changes = shelves[partition]?.changes ?? 0
            shelves[partition] = Shelf(changes: changes + 1)
        }
    }

    /// Nothing of the log is needed for it: after a start, it is empty.
    func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64 { appliedIndex }
}
