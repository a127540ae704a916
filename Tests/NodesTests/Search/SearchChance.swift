@testable import Nodes

/// Random tweets and queries over few words, so that most queries find something.
struct SearchChance {
    static let words = [
        "sun", "moon", "star", "sky", "ein", "straße", "café", "don't", "x", "cat", "Dog", "ΣΊΣΥΦΟΣ", "hi", "new_york",
    ]
    static let people = ["alice", "bob", "Carol", "dave_9"]
    static let tags = ["Sun", "swift", "café", "news"]
    static let firstDayMs: UInt64 = 3 * 86_400_000

    private var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
    mutating func percent(_ chance: Int) -> Bool { below(100) < chance }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// The first words are common, the last ones rare.
    mutating func word() -> String { Self.words[min(below(Self.words.count), below(Self.words.count))] }

    mutating func tweet(id: UInt64) -> IndexedTweet {
        let hashtags = (0..<below(3)).map { _ in pick(Self.tags) }
        let mentions = percent(25) ? [pick(Self.people)] : []
        var parts = (0..<1 + below(9)).map { _ in word() }
        parts += hashtags.map { "#" + $0 } + mentions.map { "@" + $0 }
        parts.shuffle(using: &random)
        var tweet = IndexedTweet(
            id: id, text: parts.joined(separator: pick([" ", ", ", "\n"])), author: pick(Self.people))
        tweet.hashtags = hashtags
        tweet.mentions = mentions
        tweet.cashtags = percent(10) ? ["AAPL"] : []
        tweet.isReply = percent(30)
        tweet.inReplyTo = tweet.isReply && percent(80) ? pick(Self.people) : nil
        tweet.hasLinks = percent(20)
        tweet.hasMedia = percent(20)
        tweet.language = percent(70) ? pick(["en", "DE", "pt-BR"]) : nil
        return tweet
    }

    // MARK: Queries

    mutating func query(depth: Int) -> SearchQuery {
        guard depth > 0, percent(60) else { return leaf() }
        switch below(5) {
        case 0, 1: return .conjunction((0..<2 + below(2)).map { _ in query(depth: depth - 1) })
        case 2, 3: return .disjunction((0..<2).map { _ in query(depth: depth - 1) })
        default: return .negation(query(depth: depth - 1))
        }
    }

    private mutating func leaf() -> SearchQuery {
        switch below(16) {
        case 0...4: return keyword(word())
        case 5: return .phrase((0..<2 + below(2)).flatMap { _ in SearchTokens(word()).words })
        case 6: return .hashtag(pick(Self.tags).lowercased())
        case 7: return .mention(pick(Self.people).lowercased())
        case 8: return .from(pick(Self.people).lowercased())
        case 9: return .to(pick(Self.people).lowercased())
        case 10: return .filter(pick(SearchFilter.allCases))
        case 11: return .language(pick(["en", "de", "pt", "pt-br", "fr"]))
        case 12: return .since(day())
        case 13: return .until(day())
        case 14: return .cashtag("aapl")
        default: return .minLikes(Int64(below(8)))
        }
    }

    private func keyword(_ word: String) -> SearchQuery {
        let words = SearchTokens(word).words
        return words.count == 1 ? .word(words[0]) : .phrase(words)
    }

    private mutating func day() -> CalendarDay {
        CalendarDay(pick(["2025-12-30", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06", "2026-02-01"]))!
    }
}
