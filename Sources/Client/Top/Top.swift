import Cluster

/// What is largest: F11.
public struct TopQuery: Hashable, Sendable {
    public enum What: String, Hashable, Sendable, CaseIterable {
        case tweets, hashtags, users
        /// Words of public tweets, as search has them.
        case terms
    }

    public enum Metric: String, Hashable, Sendable, CaseIterable {
        case likes, views, retweets, replies, uses, followers
    }

    /// Buckets of time up to now, by the time of the event.
    public enum Window: String, Hashable, Sendable, CaseIterable {
        case quarter = "15m"
        case hour = "1h"
        case day = "24h"
        case week = "7d"
        case all = "all"
    }

    public static let kRange = 1...1000

    public var what: What
    public var by: Metric
    /// 1 ... 1000.
    public var k: Int
    public var window: Window
    /// Nil for the world.
    public var region: String?

    public init(_ what: What, by: Metric? = nil, k: Int = 10, window: Window = .all, region: String? = nil) {
        self.what = what
        self.by = by ?? Self.metrics(of: what)[0]
        self.k = k
        self.window = window
        self.region = region
    }

    /// What a kind of thing can be ranked by; the first is the default.
    public static func metrics(of what: What) -> [Metric] {
        switch what {
        case .tweets: [.likes, .views, .retweets, .replies]
        case .hashtags, .terms: [.uses]
        case .users: [.followers]
        }
    }
}

/// The largest, largest first; equal counts by ascending key.
public struct TopList: Codable, Hashable, Sendable {
    public struct Item: Codable, Hashable, Sendable {
        /// A tweet's id, a hashtag without its sign, a user's name, or a word in its folded form.
        public var key: String
        public var count: Int64
        /// The true count is at least this much below at worst; only where counts are estimates.
        public var error: UInt64?
        public var tweet: Tweet?

        public init(key: String, count: Int64, error: UInt64? = nil, tweet: Tweet? = nil) {
            self.key = key
            self.count = count
            self.error = error
            self.tweet = tweet
        }
    }

    public var items: [Item]
    /// Counts are exact, and every partition that may hold one of the largest is covered (rule F5).
    public var exact: Bool
    /// Of estimates, which views and words are: no other one has more, in what the nodes that answered hold.
    public var bound: Int64?
    /// Nodes that did not answer: what they hold is not in the list.
    public var missingNodes: [String]

    enum CodingKeys: String, CodingKey {
        case items, exact, bound
        case missingNodes = "missing_nodes"
    }

    public init(items: [Item], exact: Bool, bound: Int64? = nil, missingNodes: [String]) {
        self.items = items
        self.exact = exact
        self.bound = bound
        self.missingNodes = missingNodes
    }
}

/// Hashtags that rise, compared with their own past; highest score first: F12.
public struct TrendList: Codable, Hashable, Sendable {
    public struct Item: Codable, Hashable, Sendable {
        public var tag: String
        /// Votes in the window; an author has one an hour.
        public var votes: UInt64
        /// Votes that the hashtag's past lets expect.
        public var expected: Double
        /// −log10 of the chance to see so many.
        public var score: Double

        public init(tag: String, votes: UInt64, expected: Double, score: Double) {
            self.tag = tag
            self.votes = votes
            self.expected = expected
            self.score = score
        }
    }

    public var items: [Item]
    public var missingNodes: [String]

    enum CodingKeys: String, CodingKey {
        case items
        case missingNodes = "missing_nodes"
    }

    public init(items: [Item], missingNodes: [String]) {
        self.items = items
        self.missingNodes = missingNodes
    }
}
