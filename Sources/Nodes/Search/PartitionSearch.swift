import Cluster
import Messages
import Replication
import Storage
import Synchronization

/// One partition's search index, kept up from its log.
///
/// What is applied only lands in an inbox; whoever searches first takes it from there. So a post costs its partition's
/// event loop a copy of the row, and is found as soon as it is acknowledged: the inbox has it before the answer leaves.
final class PartitionSearch: Sendable {
    private struct Inbox: Sendable {
        var rows: [TweetRow] = []
        var isBeingTaken = false
    }

    /// Rows in the inbox that make somebody take them, where nobody searches.
    static let takenAt = 128

    let partition: PartitionId
    private let store: any Store
    private let segmentCapacity: Int
    private let damaged: @Sendable (DamagedBlock) -> Void
    private let fatal: @Sendable (any Error) -> Void
    private let inbox = Mutex(Inbox())
    /// Nil until it is first used: after a start, blocks and newer tweets are read from the store.
    private let index = Mutex<PartitionIndex?>(nil)

    /// - Parameters:
    ///   - segmentCapacity: tweets a block.
    ///   - damaged: a block cannot be read, and is made anew with all behind it.
    ///   - fatal: a block could not be written; the process must end (rule C9).
    init(
        _ partition: PartitionId, store: any Store, segmentCapacity: Int,
        damaged: @escaping @Sendable (DamagedBlock) -> Void, fatal: @escaping @Sendable (any Error) -> Void
    ) {
        self.partition = partition
        self.store = store
        self.segmentCapacity = segmentCapacity
        self.damaged = damaged
        self.fatal = fatal
    }

    /// On the partition's event loop.
    /// - Returns: whether somebody should `catchUp`.
    func applied(_ entry: LogEntry) throws -> Bool {
        var rows: [TweetRow] = []
        try Effects.forEachPut(in: .tweets, of: entry.effects) { value in
            let row = try TweetRow.decode(value)
            // Retweets have no text of their own; deleted tweets are known by their rows (rule F6).
            if row.retweetOf == 0, !row.deleted { rows.append(row) }
        }
        guard !rows.isEmpty else { return false }
        return inbox.withLock { inbox in
            inbox.rows += rows
            guard inbox.rows.count >= Self.takenAt, !inbox.isBeingTaken else { return false }
            inbox.isBeingTaken = true
            return true
        }
    }

    /// Off the event loop: the index with everything in it that has been applied.
    /// - Throws: `StorageError` and what damaged rows throw, which is the end of one question; a block that cannot be
    ///   written is the end of the process.
    func current() throws -> PartitionIndex {
        try index.withLock { index in
            // First of all, or it would grow for ever where nothing can be loaded: what is in it is stored already.
            let rows = takeInbox()
            var current = try index ?? load()
            // Should anything fail below, it is made anew from what is stored.
            index = nil
            for row in rows {
                // Ids ascend in the log; what the store had already when the index was loaded comes once more.
                current.add(IndexedTweet(row))
                try storeSealed(&current)
            }
            index = current
            return current
        }
    }

    func catchUp() throws { _ = try current() }

    /// A block cannot be read: it and those behind it are removed, and made anew by who asks next.
    /// - Parameter asked: what `current` gave. Somebody else may have found the damage, too, and it be mended by now.
    func giveUp(_ damage: DamagedBlock, of asked: PartitionIndex) throws {
        try index.withLock { index in
            guard let current = index, current.loadedAs === asked.loadedAs else { return }
            index = nil
            damaged(damage)
            let stored = SearchBlockRows(partition: partition, rows: store)
            if let removal = try stored.removal(from: damage.minId) { try write(removal) }
        }
    }

    private func takeInbox() -> [TweetRow] {
        inbox.withLock { inbox in
            defer { inbox = Inbox() }
            return inbox.rows
        }
    }

    /// The tweets above the newest stored block are indexed again.
    private func load() throws -> PartitionIndex {
        let snapshot = store.snapshot()
        let stored = SearchBlockRows(partition: partition, rows: snapshot)
        var index = PartitionIndex(segmentCapacity: segmentCapacity, blocks: try stored.stored(damaged: damaged))
        if let removal = try stored.removal(from: index.newestId.map { $0 + 1 }) { try write(removal) }
        let tweets = Key(partition: partition.rawValue)
        let from = index.newestId.map { tweets.appending($0 + 1).bytes } ?? tweets.bytes
        try snapshot.scan(.tweets, from: from, to: tweets.prefixEnd, reverse: false) { _, value in
            let row = try TweetRow.decode(value)
            guard row.retweetOf == 0, !row.deleted else { return true }
            index.add(IndexedTweet(row))
            try storeSealed(&index)
            return true
        }
        return index
    }

    /// Not synced: a block that is lost is made again from its tweets.
    private func storeSealed(_ index: inout PartitionIndex) throws {
        while let segment = index.sealed.first {
            let block = PackedBlock(segment)
            try write(SearchBlockRows.effects(storing: block, in: partition))
            index.blockStored(block.summary)
        }
    }

    private func write(_ effects: Effects) throws {
        do {
            try store.write(effects, sync: false)
        } catch {
            // rule C9; under the index's lock, so that nobody tries again before the process has ended.
            fatal(error)
            throw error
        }
    }
}

extension IndexedTweet {
    init(_ row: TweetRow) {
        self.init(
            id: row.id, text: row.text, author: row.author,
            inReplyTo: row.inReplyToAuthor.isEmpty ? nil : row.inReplyToAuthor, isReply: row.inReplyTo != 0,
            hasLinks: !row.urls.isEmpty, hasMedia: row.type != .tweetText, hashtags: row.hashtags,
            cashtags: row.cashtags, mentions: row.mentions, language: row.lang.isEmpty ? nil : row.lang)
    }
}
