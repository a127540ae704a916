/// What the search index must know of a tweet.
struct IndexedTweet: Sendable {
    /// Sorts by time and names the partition (rule A1).
    var id: UInt64
    var text: String
    /// The author's username.
    var author: String
    /// The username of whom it answers, when that is known.
    var inReplyTo: String?
    var isReply = false
    var hasLinks = false
    var hasMedia = false
    /// Without their signs.
    var hashtags: [String] = []
    var cashtags: [String] = []
    var mentions: [String] = []
    /// A language tag such as `en`, when one is known.
    var language: String?
}

/// The terms of one tweet, behind one another in one array.
struct TermList {
    struct Entry {
        var bytes: Range<Int>
        /// Which word of the text it is; 0 for a fact.
        var position: Int
    }

    /// Different words that are indexed. Texts that are to be read have far fewer; a web address is of any length, though
    /// it weighs little, and may be thousands.
    static let maxWords = 512

    private(set) var bytes: [UInt8]
    private(set) var entries: [Entry]

    init(_ tweet: IndexedTweet) {
        let words = SearchTokens(tweet.text)
        bytes = words.bytes
        entries = []
        entries.reserveCapacity(words.tokens.count + 8)
        var kept = FirstWords(of: words.tokens.count)
        for (position, token) in words.tokens.enumerated() where kept.contain(bytes[token.bytes]) {
            entries.append(Entry(bytes: token.bytes, position: position))
        }
        appendFacts(of: tweet)
    }

    /// The first `maxWords` different words of a text, as they come.
    private struct FirstWords {
        /// Nil where all are kept, which nearly always needs no look at them.
        private var words: Set<ArraySlice<UInt8>>?

        init(of count: Int) { words = count > maxWords ? [] : nil }

        mutating func contain(_ word: ArraySlice<UInt8>) -> Bool {
            guard let count = words?.count else { return true }
            guard count < maxWords else { return words?.contains(word) == true }
            words?.insert(word)
            return true
        }
    }

    private mutating func appendFacts(of tweet: IndexedTweet) {
        append(.author, tweet.author)
        if let name = tweet.inReplyTo { append(.recipient, name) }
        for tag in tweet.hashtags { append(.hashtag, tag) }
        for tag in tweet.cashtags { append(.cashtag, tag) }
        for name in tweet.mentions { append(.mention, name) }
        if tweet.isReply { append(.filter, SearchFilter.replies.rawValue) }
        if tweet.hasLinks { append(.filter, SearchFilter.links.rawValue) }
        if tweet.hasMedia { append(.filter, SearchFilter.media.rawValue) }
        if let language = tweet.language { append(language: language.lowercased()) }
    }

    /// What is in pt-br is found by pt, too: basic filtering of RFC 4647, 3.3.1.
    private mutating func append(language: String) {
        for end in language.indices where language[end] == "-" { append(.language, verbatim: String(language[..<end])) }
        append(.language, verbatim: language)
    }

    private mutating func append(_ kind: IndexTerm.Kind, _ name: String) {
        let folded = SearchTokens.foldedName(name)
        guard !folded.isEmpty else { return }
        let start = bytes.count
        bytes.append(contentsOf: kind.rawValue.utf8)
        bytes.append(contentsOf: folded)
        entries.append(Entry(bytes: start..<bytes.count, position: 0))
    }

    /// Language tags hold a hyphen, which is no part of a word.
    private mutating func append(_ kind: IndexTerm.Kind, verbatim name: String) {
        guard !name.isEmpty, name.utf8.count <= SearchTokens.maxTokenBytes else { return }
        let start = bytes.count
        bytes.append(contentsOf: kind.rawValue.utf8)
        bytes.append(contentsOf: name.utf8)
        entries.append(Entry(bytes: start..<bytes.count, position: 0))
    }
}
