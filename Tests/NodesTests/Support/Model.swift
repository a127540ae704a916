import Client
import Cluster

/// The simplest Rookery that is right: everything in a few collections, every answer computed from scratch.
struct Model: Sendable {
    struct Entry: Sendable {
        var id: Id
        var author: Id
        var inReplyTo: Id?
        var root: Id
        var retweetOf: Id?
        var isDeleted = false
    }

    struct Pair: Hashable, Sendable {
        var user: Id
        var of: Id
    }

    struct Shown: Hashable, Sendable, CustomStringConvertible {
        var id: Id
        var retweeters: [String]

        var description: String { retweeters.isEmpty ? "\(id)" : "\(id) by \(retweeters)" }
    }

    let people: [Id: Person]
    var entries: [Id: Entry] = [:]
    var follows: Set<Pair> = []
    var reactions: [Pair: ReactionKind] = [:]
    /// Their deletes have been asked for, so they may be gone already.
    var doomed: Set<Id> = []

    init(_ people: [Person]) {
        self.people = Dictionary(uniqueKeysWithValues: people.map { ($0.id, $0) })
    }

    // MARK: What was done

    mutating func posted(_ id: Id, by author: Id, replyTo parent: Id? = nil) {
        let root = parent.flatMap { entries[$0]?.root } ?? id
        entries[id] = Entry(id: id, author: author, inReplyTo: parent, root: root)
    }

    mutating func retweeted(_ id: Id, of original: Id, by author: Id) {
        entries[id] = Entry(id: id, author: author, root: id, retweetOf: original)
    }

    mutating func reacted(_ kind: ReactionKind, to tweet: Id, undo: Bool, by user: Id) {
        let pair = Pair(user: user, of: tweet)
        if !undo {
            reactions[pair] = kind
        } else if reactions[pair] == kind {
            reactions[pair] = nil
        }
    }

    mutating func deleted(_ id: Id) { entries[id]?.isDeleted = true }

    // MARK: What must be seen

    var tweets: [Entry] { entries.values.filter { $0.retweetOf == nil }.sorted { $0.id < $1.id } }

    func retweet(of original: Id, by user: Id) -> Id? {
        entries.values.first { $0.retweetOf == original && $0.author == user && !$0.isDeleted }?.id
    }

    func followers(of user: Id) -> [String] { names(follows.filter { $0.of == user }.map(\.user)) }

    func following(of user: Id) -> [String] { names(follows.filter { $0.user == user }.map(\.of)) }

    private func names(_ ids: [Id]) -> [String] { ids.compactMap { people[$0]?.name }.sorted() }

    func counts(ofTweet tweet: Id, in region: String? = nil) -> TweetCounts {
        func isCounted(_ user: Id) -> Bool { region == nil || people[user]?.region == region }
        var counts = TweetCounts()
        for (pair, kind) in reactions where pair.of == tweet && isCounted(pair.user) {
            if kind == .like { counts.likes += 1 } else { counts.dislikes += 1 }
        }
        for entry in entries.values where !entry.isDeleted && isCounted(entry.author) {
            if entry.inReplyTo == tweet { counts.replies += 1 }
            if entry.retweetOf == tweet { counts.retweets += 1 }
        }
        return counts
    }

    /// Followers are counted in their own regions, the rest in the user's.
    func counts(ofUser user: Id, in region: String? = nil) -> UserCounts {
        var counts = UserCounts()
        for pair in follows where pair.of == user && (region == nil || people[pair.user]?.region == region) {
            counts.followers += 1
        }
        guard region == nil || people[user]?.region == region else { return counts }
        counts.following = UInt64(follows.count { $0.user == user })
        counts.tweets = UInt64(entries.values.count { $0.author == user && !$0.isDeleted })
        return counts
    }

    func home(of user: Id) -> [Shown] {
        page(of: follows.filter { $0.user == user }.map(\.of) + [user])
    }

    /// Rule E1: entries that show the same original are folded into the newest.
    func page(of authors: [Id]) -> [Shown] {
        var page: [Shown] = []
        var places: [Id: Int] = [:]
        for entry in entries.values.sorted(by: { $0.id > $1.id })
        where authors.contains(entry.author) && !entry.isDeleted {
            if let original = entry.retweetOf, entries[original]?.isDeleted ?? true { continue }
            let retweeters = entry.retweetOf == nil ? [] : [people[entry.author]?.name ?? "?"]
            let shown = entry.retweetOf ?? entry.id
            if let place = places[shown] {
                page[place].retweeters += retweeters
            } else {
                places[shown] = page.count
                page.append(Shown(id: entry.id, retweeters: retweeters))
            }
        }
        return page
    }

    /// With tombstones.
    func thread(_ root: Id) -> [Id] {
        tweets.filter { $0.root == root }.map(\.id).sorted { ($0 == root ? 0 : 1, $0) < ($1 == root ? 0 : 1, $1) }
    }
}
