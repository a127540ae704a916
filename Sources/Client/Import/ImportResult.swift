/// What an import did. `follows` and `tweets` count what is there after it, also what an earlier run had made.
public struct ImportResult: Codable, Hashable, Sendable {
    public var users: Int
    public var follows: Int
    public var tweets: Int
    public var skipped: Skipped
    public var seconds: Double
    /// Calls that were answered, a second.
    public var opsPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case users, follows, tweets, skipped, seconds
        case opsPerSecond = "ops_per_s"
    }

    public struct Skipped: Codable, Hashable, Sendable {
        /// Lines of nothing but white space.
        public var empty = 0
        /// Lines that the server found too long for a tweet.
        public var tooLong = 0
        public var selfLoops = 0
        /// Edges that were there before.
        public var duplicate = 0

        enum CodingKeys: String, CodingKey {
            case empty, duplicate
            case tooLong = "too_long"
            case selfLoops = "self"
        }
    }
}

/// How far an import is.
public struct ImportProgress: Hashable, Sendable {
    public enum Stage: String, Sendable {
        case users, follows, tweets
        /// Waits until what was written has reached every partition; `done` counts the events that have not.
        case streams
    }

    public var stage: Stage
    public var done: Int
    /// 0 when it is not known.
    public var total: Int
}
