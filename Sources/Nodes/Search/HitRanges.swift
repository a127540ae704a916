import TweetText

/// Where a tweet's text shows what a query asked for.
///
/// Matching is on folded words, showing is in the text as written: a token knows where it came from.
struct HitRanges {
    private var words: Set<String> = []
    private var phrases: [[String]] = []
    /// Folded, behind their sign.
    private var tags: Set<String> = []

    /// - Parameter query: what it excludes is not shown.
    init(_ query: SearchQuery) {
        collect(query, isWanted: true)
    }

    private mutating func collect(_ query: SearchQuery, isWanted: Bool) {
        switch query {
        case .not(let part): collect(part, isWanted: !isWanted)
        case .all(let parts), .any(let parts):
            for part in parts { collect(part, isWanted: isWanted) }
        case _ where !isWanted: return
        case .word(let word): words.insert(word)
        case .phrase(let phrase): phrases.append(phrase)
        case .hashtag(let name): tags.insert("#" + name)
        case .cashtag(let name): tags.insert("$" + name)
        case .mention(let name): tags.insert("@" + name)
        case .from, .to, .filter, .language, .since, .until, .minLikes: return
        }
    }

    /// The hits in a text: ranges of its code points, ascending, none touching another's inside.
    func ranges(in text: String) -> [Range<Int>] {
        let tokens = SearchTokens(text)
        let words = tokens.words
        var found: [Range<Int>] = []
        for (position, token) in tokens.tokens.enumerated() {
            if self.words.contains(words[position]) { found.append(token.source) }
            for phrase in phrases where words[position...].starts(with: phrase) {
                let last = tokens.tokens[position + phrase.count - 1]
                found.append(token.source.lowerBound..<last.source.upperBound)
            }
        }
        return Self.merged(found + tagRanges(in: text))
    }

    /// As they were found when the tweet was posted: a tag may hold more than a word does.
    private func tagRanges(in text: String) -> [Range<Int>] {
        guard !tags.isEmpty else { return [] }
        return Extractor.entities(in: text).compactMap { entity in
            guard let sign = Self.sign(of: entity.kind), tags.contains(sign + Hashtag.folded(entity.text)) else {
                return nil
            }
            return entity.range
        }
    }

    private static func sign(of kind: Entity.Kind) -> String? {
        switch kind {
        case .hashtag: "#"
        case .cashtag: "$"
        case .mention: "@"
        case .list, .url: nil
        }
    }

    private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var merged: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound < last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }
}
