import Cluster
import Messages

/// Merges what the owners found into one list, newest first, and decides who must be asked further. Pure.
///
/// An owner answers its newest hits down to some id, below which it has not looked yet. A hit may be shown only when no
/// owner can still come up with a newer one: when it lies at or above the highest such id, the frontier.
struct LatestMerge {
    private let limit: Int
    private var found: Set<UInt64> = []
    /// How far down each partition was searched; none for those that have nothing more.
    private var examinedTo: [PartitionId: UInt64] = [:]
    /// Their owners do not answer any more.
    private var lost: Set<PartitionId> = []

    /// - Parameter limit: hits wanted.
    init(limit: Int) { self.limit = limit }

    mutating func take(_ reply: SearchReply) {
        found.formUnion(reply.hits.map(\.id))
        for covered in reply.cover {
            let partition = PartitionId(UInt16(truncatingIfNeeded: covered.partition))
            examinedTo[partition] = reply.exhausted ? nil : reply.examinedTo
        }
    }

    var isEmpty: Bool { found.isEmpty && examinedTo.isEmpty }

    /// Its owner does not answer. If it has answered before, the page ends where it had come to: the next one may find
    /// it there again. Else nobody waits for it.
    mutating func giveUp(_ partition: PartitionId) { lost.insert(partition) }

    /// Above everything that may still come; 0 when nothing may.
    private var frontier: UInt64 { examinedTo.values.max() ?? 0 }

    /// Hits that no later answer can come between, newest first.
    private var settled: [UInt64] {
        let frontier = frontier
        return found.filter { $0 >= frontier }.sorted(by: >)
    }

    /// Whom to ask next, with the id below which to go on: those whose unseen hits could be the newest. None when the
    /// page is full or everybody is done.
    var mustAsk: [PartitionId: UInt64] {
        guard settled.count <= limit else { return [:] }
        let frontier = frontier
        let last = examinedTo.filter { $0.value == frontier }
        // It sinks no further when one of those is gone.
        return last.keys.contains(where: lost.contains) ? [:] : last
    }

    /// The page so far, and the id below which the next one begins; nil at the end.
    var page: (ids: [UInt64], next: UInt64?) {
        let settled = settled
        if settled.count > limit { return (Array(settled.prefix(limit)), settled[limit - 1]) }
        if !examinedTo.isEmpty { return (settled, frontier) }
        // Those that never answered may be back for the next page. An empty one would lead nowhere but to itself.
        return (settled, lost.isEmpty ? nil : settled.last)
    }
}
