import Cluster
import Messages
import Replication
import Storage
import Synchronization

/// What one partition is the home of, ranked: its tweets' counts in the world, the counts of a region of which it is
/// the home, its hashtags, its users.
///
/// Changes only mark a key; whoever asks for a ranking first reads the marked keys' rows. So counting costs nothing
/// more, and an answer is exact as of the moment it was read.
final class TopHome: Sendable {
    private struct Changed: Sendable {
        var worldTweets: Set<UInt64> = []
        var regionTweets: Set<UInt64> = []
        var tags: Set<String> = []
        var users: Set<UInt64> = []
        /// With the index of their log entry.
        var views: [(Viewed, UInt64)] = []
        var terms: [TermSketches.Change] = []
        /// Nobody needs `terms` as long as nobody has asked for them.
        var countsTerms = false

        var count: Int {
            worldTweets.count + regionTweets.count + tags.count + users.count + terms.count
                + views.reduce(0) { $0 + $1.0.tweets.count }
        }
    }

    /// Marked keys beyond this many are read at once, so that they do not pile up where nobody asks.
    static let maxChanged = 4096

    private let changed = Mutex(Changed())
    private let rankings: Mutex<TopRankings>

    /// - Parameter seed: of the sketches; equal where they are merged.
    init(partition: PartitionId, partitioning: Partitioning, seed: UInt64) {
        rankings = Mutex(TopRankings(partition: partition, partitioning: partitioning, seed: seed))
    }

    /// On the partition's event loop.
    /// - Returns: whether there is so much that somebody should `catchUp`.
    func applied(_ entry: LogEntry) throws -> Bool {
        var found = Changed()
        for note in entry.events where note.destination == Event.observersOnly {
            switch EventKind(rawValue: note.kind) {
            case .eventWorldCounted: found.worldTweets.insert(try Counted.decode(note.body).tweetId)
            case .eventRegionCounted: found.regionTweets.insert(try Counted.decode(note.body).tweetId)
            case .eventTagCounted: found.tags.insert(try TagCounted.decode(note.body).tag)
            case .eventFollowersCounted: found.users.insert(try FollowersCounted.decode(note.body).userId)
            case .eventViewed: found.views.append((try Viewed.decode(note.body), entry.index))
            default: break
            }
        }
        if changed.withLock(\.countsTerms) { found.terms = try Self.terms(entry) }
        guard found.count > 0 else { return false }
        return changed.withLock { changed in
            let before = changed.count
            changed.worldTweets.formUnion(found.worldTweets)
            changed.regionTweets.formUnion(found.regionTweets)
            changed.tags.formUnion(found.tags)
            changed.users.formUnion(found.users)
            changed.views += found.views
            changed.terms += found.terms
            return before < Self.maxChanged && changed.count >= Self.maxChanged
        }
    }

    private static func terms(_ entry: LogEntry) throws -> [TermSketches.Change] {
        var found: [TermSketches.Change] = []
        try Effects.forEachPut(in: .tweets, of: entry.effects) { row in
            found.append(TermSketches.Change(row: Array(row), isErased: false, index: entry.index))
        }
        for note in entry.events
        where note.destination == Event.observersOnly && note.kind == EventKind.eventTweetErased.rawValue {
            found.append(TermSketches.Change(row: note.body, isErased: true, index: entry.index))
        }
        return found
    }

    /// From now on; to be called before they are first asked for. What was applied before is in every later snapshot.
    func countTerms() { changed.withLock { $0.countsTerms = true } }

    /// Off the event loop. The rankings as of this moment, for one question.
    /// - Parameter store: read from a snapshot that is taken after the marks: what is marked later is read later.
    func ask<Answer>(
        _ store: any Store, nowMs: UInt64, _ question: (inout TopRankings, any Reader) throws -> sending Answer
    ) throws -> sending Answer {
        try rankings.withLock { rankings in
            let changed = changed.withLock { changed in
                defer { changed = Changed(countsTerms: changed.countsTerms) }
                return changed
            }
            let rows = store.snapshot()
            do {
                for tweet in changed.worldTweets { try rankings.worldChanged(tweet, rows, nowMs: nowMs) }
                for tweet in changed.regionTweets { try rankings.regionChanged(tweet, rows, nowMs: nowMs) }
                for tag in changed.tags { try rankings.tagChanged(tag, rows, nowMs: nowMs) }
                for user in changed.users { try rankings.userChanged(user, rows, nowMs: nowMs) }
                for (viewed, index) in changed.views { rankings.viewed(viewed, index: index, nowMs: nowMs) }
                for change in changed.terms { try rankings.termsChanged(change, nowMs: nowMs) }
            } catch {
                // Some of the marks are lost: everything is read again the next time.
                rankings.forget()
                throw error
            }
            return try question(&rankings, rows)
        }
    }
}
