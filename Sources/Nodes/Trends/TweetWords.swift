import Messages

/// The words of a tweet, as search has them (rule F6), but for those of its hashtags, cashtags, mentions and links: where
/// these stand is stored with the tweet.
enum TweetWords {
    /// Each once, in the order in which they come first.
    static func of(_ row: TweetRow) -> [String] {
        let text = SearchTokens(row.text)
        var entities = Entities(row)
        var seen: Set<String> = []
        return text.tokens.compactMap { token in
            guard !entities.contain(token.source) else { return nil }
            let word = String(decoding: text.bytes[token.bytes], as: UTF8.self)
            return seen.insert(word).inserted ? word : nil
        }
    }

    /// Their ranges of code points, walked along with the text: both ascend, and entities do not overlap.
    private struct Entities {
        private var rest: ArraySlice<UInt32>

        /// Kind, first and end code point of each.
        init(_ row: TweetRow) { rest = row.entities[...] }

        mutating func contain(_ word: Range<Int>) -> Bool {
            while rest.count >= 3, Int(rest[rest.startIndex + 2]) <= word.lowerBound { rest = rest.dropFirst(3) }
            return rest.count >= 3 && Int(rest[rest.startIndex + 1]) < word.upperBound
        }
    }
}
