import Cluster
import Messages

/// What is counted of a tweet.
public struct TweetCounts: Codable, Hashable, Sendable {
    public var views: UInt64 = 0
    public var likes: UInt64 = 0
    public var dislikes: UInt64 = 0
    public var replies: UInt64 = 0
    public var retweets: UInt64 = 0

    public init() {}

    init(_ message: Messages.TweetCounts?) {
        guard let message else { return }
        views = message.views
        likes = message.likes
        dislikes = message.dislikes
        replies = message.replies
        retweets = message.retweets
    }
}

/// What is counted of a user.
public struct UserCounts: Codable, Hashable, Sendable {
    public var followers: UInt64 = 0
    public var following: UInt64 = 0
    public var tweets: UInt64 = 0

    public init() {}

    init(_ message: Messages.UserCounts?) {
        guard let message else { return }
        followers = message.followers
        following = message.following
        tweets = message.tweets
    }
}

/// A tweet's counts in the world and in each region, as the reader sees them (rule F2).
public struct TweetCounters: Codable, Hashable, Sendable {
    public var id: Id
    public var world: TweetCounts
    public var regions: [String: TweetCounts]
}

/// A user's counts in the world and in each region.
public struct UserCounters: Codable, Hashable, Sendable {
    public var id: Id
    public var world: UserCounts
    public var regions: [String: UserCounts]
}

/// What a like or dislike answers: what the caller's reaction is now, and the counts with it in them, so the caller
/// sees the own reaction at once (N5).
public struct ReactionResult: Codable, Hashable, Sendable {
    public var id: Id
    /// `like`, `dislike` or `none`.
    public var reaction: String
    public var world: TweetCounts
    /// Only the caller's own region.
    public var regions: [String: TweetCounts]
}
