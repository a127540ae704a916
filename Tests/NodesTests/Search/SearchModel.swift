@testable import Nodes

/// Search as simply as it can be done: every tweet is looked at, by the meaning of the query.
struct SearchModel {
    private(set) var tweets: [IndexedTweet] = []
    /// Likes by id, made up but fixed.
    static func likes(_ id: UInt64) -> Int64 { Int64((id ^ id >> 22) % 9) }

    mutating func add(_ tweet: IndexedTweet) { tweets.append(tweet) }

    /// Descending.
    func ids(_ query: SearchQuery, in range: Range<UInt64> = SearchPlan.allIds) -> [UInt64] {
        tweets.filter { range.contains($0.id) && Self.fits(query, $0) }.map(\.id).sorted(by: >)
    }

    private static func fits(_ query: SearchQuery, _ tweet: IndexedTweet) -> Bool {
        switch query {
        case .word(let word): SearchTokens(tweet.text).words.contains(word)
        case .phrase(let words): follow(words, in: SearchTokens(tweet.text).words)
        case .hashtag(let name): tweet.hashtags.contains { $0.lowercased() == name }
        case .cashtag(let name): tweet.cashtags.contains { $0.lowercased() == name }
        case .mention(let name): tweet.mentions.contains { $0.lowercased() == name }
        case .from(let name): tweet.author.lowercased() == name
        case .to(let name): tweet.inReplyTo?.lowercased() == name
        case .filter(.links): tweet.hasLinks
        case .filter(.media): tweet.hasMedia
        case .filter(.replies): tweet.isReply
        case .language(let language): (tweet.language.map { $0.lowercased() + "-" } ?? "").hasPrefix(language + "-")
        case .since(let day): unixMs(of: tweet) >= day.startMs
        case .until(let day): unixMs(of: tweet) < day.startMs
        case .minLikes(let least): likes(tweet.id) >= least
        case .not(let part): !fits(part, tweet)
        case .all(let parts): parts.allSatisfy { fits($0, tweet) }
        case .any(let parts): parts.contains { fits($0, tweet) }
        }
    }

    private static func follow(_ phrase: [String], in words: [String]) -> Bool {
        words.indices.contains { words[$0...].starts(with: phrase) }
    }

    private static func unixMs(of tweet: IndexedTweet) -> Int64 {
        1_767_225_600_000 + Int64(tweet.id >> 22)
    }
}
