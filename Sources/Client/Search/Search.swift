import Cluster

/// How to search tweets.
public struct SearchOptions: Hashable, Sendable {
    public enum Sort: UInt8, Hashable, Sendable, CaseIterable {
        /// Newest first.
        case latest = 0
        /// By likes, retweets and replies together; equals newest first. Pages are as of when each is read: what is
        /// counted between two of them may move a tweet over the page's end, out of both or into both.
        case top = 1
    }

    /// What to fetch beside the tweets that were found.
    public enum Expansion: String, Hashable, Sendable, CaseIterable {
        case author
        case mentions
        /// Tweets that are answered or quoted.
        case referenced
    }

    /// 1 ... 100.
    public var maxResults: Int
    /// A page's `next`, to go on after it.
    public var next: String?
    public var sort: Sort
    /// Everything, not only the last seven days.
    public var archive: Bool
    public var excludeReplies: Bool
    public var expansions: Set<Expansion>

    public static let maxResultsRange = 1...100

    public init(
        maxResults: Int = 10, next: String? = nil, sort: Sort = .latest, archive: Bool = false,
        excludeReplies: Bool = false, expansions: Set<Expansion> = []
    ) {
        self.maxResults = maxResults
        self.next = next
        self.sort = sort
        self.archive = archive
        self.excludeReplies = excludeReplies
        self.expansions = expansions
    }
}

/// A page of tweets that were found; `next` is absent on the last one. A page may be shorter than was asked for. With
/// missing nodes, `next` also leads on where there is nothing else: they may be back.
public struct SearchPage: Codable, Hashable, Sendable {
    public var tweets: [Tweet]
    public var newestId: Id?
    public var oldestId: Id?
    public var count: Int
    public var next: String?
    /// Nodes that did not answer: what they hold is not among the tweets.
    public var missingNodes: [String]
    /// Sorted by top: more matched than a node looks at for one answer, and only the newest of it was ranked.
    public var partial: Bool
    /// What was asked for beside the tweets.
    public var includes: Includes?

    public struct Includes: Codable, Hashable, Sendable {
        public var users: [User]
        public var tweets: [Tweet]

        public init(users: [User], tweets: [Tweet]) {
            self.users = users
            self.tweets = tweets
        }
    }

    enum CodingKeys: String, CodingKey {
        case tweets, count, next, partial, includes
        case newestId = "newest_id"
        case oldestId = "oldest_id"
        case missingNodes = "missing_nodes"
    }

    public init(
        tweets: [Tweet], next: String?, missingNodes: [String], partial: Bool = false, includes: Includes? = nil
    ) {
        self.tweets = tweets
        self.next = next
        self.missingNodes = missingNodes
        self.partial = partial
        self.includes = includes
        newestId = tweets.map(\.id).max()
        oldestId = tweets.map(\.id).min()
        count = tweets.count
    }

    /// The page without the tweets that were on pages before, to which its own are added.
    public func without(_ seen: inout Set<Id>) -> Self {
        let new = tweets.filter { seen.insert($0.id).inserted }
        return Self(tweets: new, next: next, missingNodes: missingNodes, partial: partial, includes: includes)
    }
}

/// A page of people whose name, or a word of whose display name, begins as was asked.
public struct UserSearchPage: Codable, Hashable, Sendable {
    public struct Hit: Codable, Hashable, Sendable {
        public var id: Id
        public var name: String
        public var displayName: String

        enum CodingKeys: String, CodingKey {
            case id, name
            case displayName = "display_name"
        }

        public init(id: Id, name: String, displayName: String) {
            self.id = id
            self.name = name
            self.displayName = displayName
        }
    }

    public var users: [Hit]
    public var next: String?
    public var missingNodes: [String]

    enum CodingKeys: String, CodingKey {
        case users, next
        case missingNodes = "missing_nodes"
    }

    public init(users: [Hit], next: String?, missingNodes: [String]) {
        self.users = users
        self.next = next
        self.missingNodes = missingNodes
    }
}
