import Cluster
import Messages
import Replication
import Storage

/// Where the services keep what: every key begins with its partition. The families' numbers and these forms are part
/// of the log (an entry's effects hold them), so they never change their meaning.
enum Rows {
    // MARK: users, names, sessions

    static func user(_ id: Id) -> [UInt8] {
        Key(partition: id.partition.rawValue).appending(id.rawValue).bytes
    }

    static func name(_ folded: String, in partition: PartitionId) -> [UInt8] {
        Key(partition: partition.rawValue).appending(Array(folded.utf8)).bytes
    }

    static func sessions(of user: Id) -> Key {
        Key(partition: user.partition.rawValue).appending(user.rawValue)
    }

    static func session(_ session: UInt64, of user: Id) -> [UInt8] {
        sessions(of: user).appending(session).bytes
    }

    /// A word that a user is found by, and whose it is: `word 0 user`. A word holds no 0.
    static func directory(_ word: String, _ user: UInt64, in partition: PartitionId) -> [UInt8] {
        directory(wordsFrom: word, in: partition).appending(UInt8(0)).appending(user).bytes
    }

    static func directory(wordsFrom prefix: String, in partition: PartitionId) -> Key {
        Key(partition: partition.rawValue).appending(Array(prefix.utf8))
    }

    /// A stored block of a partition's search index: its header, and behind that its chunks by their first terms.
    static func searchBlock(_ minId: UInt64, in partition: PartitionId) -> Key {
        Key(partition: partition.rawValue).appending(minId)
    }

    /// The first id of the block that a row of the `search` family belongs to.
    static func searchBlockId(_ key: [UInt8]) throws -> UInt64 {
        try key.withUnsafeBytes { key in
            var reader = KeyReader(key)
            _ = try reader.uint16()
            return try reader.uint64()
        }
    }

    // MARK: edges

    /// Kept at the follower.
    static func following(of user: Id) -> Key { edges("f", user) }

    /// Kept at the followed account: accepted followers.
    static func followers(of user: Id) -> Key { edges("r", user) }

    /// Kept at the followed account: who asked.
    static func followRequests(to user: Id) -> Key { edges("q", user) }

    private static func edges(_ kind: Unicode.Scalar, _ user: Id) -> Key {
        Key(partition: user.partition.rawValue).appending(UInt8(ascii: kind)).appending(user.rawValue)
    }

    // MARK: tweets

    static func tweet(_ id: Id) -> [UInt8] {
        Key(partition: id.partition.rawValue).appending(id.rawValue).bytes
    }

    /// An author's tweets and retweets, newest first; the value is one byte of `AuthorFlags`.
    static func authored(by author: Id) -> Key {
        Key(partition: author.partition.rawValue).appending(author.rawValue)
    }

    static func authored(_ tweet: Id, by author: Id) -> [UInt8] {
        authored(by: author).appending(descending: tweet.rawValue).bytes
    }

    /// A thread's replies by id, kept at its root.
    static func thread(_ root: Id) -> Key {
        Key(partition: root.partition.rawValue).appending(root.rawValue)
    }

    static func reaction(of user: Id, to tweet: Id) -> [UInt8] {
        Key(partition: user.partition.rawValue).appending(UInt8(ascii: "l")).appending(user.rawValue)
            .appending(tweet.rawValue).bytes
    }

    /// The retweet a user made of an original: eight bytes of id.
    static func retweet(by user: Id, of original: Id) -> [UInt8] {
        Key(partition: user.partition.rawValue).appending(UInt8(ascii: "t")).appending(user.rawValue)
            .appending(original.rawValue).bytes
    }

    // MARK: counts

    /// Figures of an account by region: followers by the followers' regions, the others by its own.
    static func userCounts(_ user: Id, _ metric: UserMetric) -> Key {
        Key(partition: user.partition.rawValue).appending(UInt8(ascii: "u")).appending(user.rawValue)
            .appending(metric.rawValue)
    }

    /// What a partition's own users did to a tweet.
    static func partitionSum(of tweet: Id, in partition: PartitionId) -> Key {
        Key(partition: partition.rawValue).appending(UInt8(ascii: "s")).appending(tweet.rawValue)
    }

    /// The same by the time when they did it (`CountBuckets`).
    static func partitionBuckets(of tweet: Id, in partition: PartitionId) -> Key {
        Key(partition: partition.rawValue).appending(UInt8(ascii: "b")).appending(tweet.rawValue)
    }

    /// Followers by the time when they began to follow; the suffix is their region.
    static func followerBuckets(of user: Id) -> Key {
        Key(partition: user.partition.rawValue).appending(UInt8(ascii: "f")).appending(user.rawValue)
    }

    /// Views of a tweet by readers' regions.
    static func views(of tweet: Id) -> Key {
        Key(partition: tweet.partition.rawValue).appending(UInt8(ascii: "v")).appending(tweet.rawValue)
    }

    /// Views by time: span (`CountBuckets.Span`), bucket, then tweet and region.
    static func viewBuckets(in partition: PartitionId) -> Key {
        Key(partition: partition.rawValue).appending(UInt8(ascii: "x"))
    }

    static func viewBuckets(_ span: UInt8, in partition: PartitionId) -> Key {
        viewBuckets(in: partition).appending(span)
    }

    /// A region's sums of a tweet, in the region's home of that tweet.
    static func regionSum(of tweet: Id, in home: PartitionId) -> Key {
        Key(partition: home.rawValue).appending(UInt8(ascii: "r")).appending(tweet.rawValue)
    }

    /// What a region's home has heard of the partitions.
    static func shares(of tweet: Id, at home: PartitionId) -> Key {
        Key(partition: home.rawValue).appending(UInt8(ascii: "p")).appending(tweet.rawValue)
    }

    static func share(of source: PartitionId, in tweet: Id, at home: PartitionId) -> [UInt8] {
        shares(of: tweet, at: home).appending(source.rawValue).bytes
    }

    /// What a tweet's own partition has heard of the regions.
    static func worldShares(of tweet: Id) -> Key {
        Key(partition: tweet.partition.rawValue).appending(UInt8(ascii: "w")).appending(tweet.rawValue)
    }
}

extension Rows {
    // MARK: hashtags

    static func tag(_ folded: String, in partition: PartitionId) -> [UInt8] {
        Key(partition: partition.rawValue).appending(UInt8(ascii: "t")).appending(Array(folded.utf8)).bytes
    }

    /// How often each author used a hashtag in an hour (since 1970), so that an author has one vote.
    static func votes(for folded: String, in partition: PartitionId) -> Key {
        let hash = Checksum.xxh3(Array(folded.utf8))
        return Key(partition: partition.rawValue).appending(UInt8(ascii: "v")).appending(hash)
    }
}

enum UserMetric: UInt8, CaseIterable {
    case followers = 1
    case following = 2
    case tweets = 3
}

enum TweetMetric: UInt8, CaseIterable {
    case likes = 1
    case dislikes = 2
    case replies = 3
    case retweets = 4
}

/// What a timeline's scan must know of an entry without reading it.
struct AuthorFlags: OptionSet {
    var rawValue: UInt8
    static let reply = AuthorFlags(rawValue: 1)
    static let retweet = AuthorFlags(rawValue: 2)
}

/// The kinds of latches the services take (rule B2).
enum Latches {
    static func user(_ id: Id, exclusive: Bool = false) -> Latch {
        Latch(space: 1, a: id.rawValue, b: 0, isExclusive: exclusive)
    }

    static func edge(_ follower: Id, _ followed: Id) -> Latch { .write(2, follower.rawValue, followed.rawValue) }

    static func tweet(_ id: Id, exclusive: Bool = false) -> Latch {
        Latch(space: 3, a: id.rawValue, b: 0, isExclusive: exclusive)
    }

    static func name(_ folded: String) -> Latch {
        .write(4, Array(folded.utf8).withUnsafeBytes { Checksum.xxh3($0) })
    }

    static func reaction(_ user: Id, _ tweet: Id) -> Latch { .write(5, user.rawValue, tweet.rawValue) }

    static func retweet(_ user: Id, _ original: Id) -> Latch { .write(6, user.rawValue, original.rawValue) }

    /// All sessions of a user.
    static func sessions(_ user: Id) -> Latch { .write(7, user.rawValue) }

    static func share(_ tweet: Id, _ source: UInt64) -> Latch { .write(8, tweet.rawValue, source) }

    static func tag(_ folded: String) -> Latch {
        .write(9, Array(folded.utf8).withUnsafeBytes { Checksum.xxh3($0) })
    }
}

extension Reader {
    func message<M: WireMessage>(_ type: M.Type, _ family: Family, _ key: [UInt8]) throws -> M? {
        try get(family, key).map { try M.decode($0) }
    }
}

extension Transaction {
    func put(_ family: Family, _ key: [UInt8], _ message: some WireMessage) {
        put(family, key, message.encode())
    }
}
