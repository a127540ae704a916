import TweetText

/// Operands: `operator:value`, signs before names, and keywords.
extension SearchQueryParser {
    private static let operators = ["from", "to", "filter", "lang", "since", "until", "min_likes"]

    mutating func operand() throws(SearchQueryError) -> SearchQuery {
        let start = index
        let end = operandEnd
        index = end
        if let query = try operation(start..<end) { return query }
        switch text[start] {
        case "#", "＃": return try tag(start..<end, sign: "#")
        case "$": return try tag(start..<end, sign: "$")
        case "@", "＠":
            try count(terms: 1, at: start)
            return .mention(try username(start + 1..<end, after: "@", operand: start))
        default: return try keyword(start..<end)
        }
    }

    private mutating func keyword(_ range: Range<Int>) throws(SearchQueryError) -> SearchQuery {
        let keyword = String(text[range])
        let words = SearchTokens(keyword).words
        guard !words.isEmpty else { throw nothingToSearch(in: range) }
        return try wordOrPhrase(words, at: range.lowerBound)
    }

    /// A sum or a rank (`$5`, `#1`) is a keyword: tags hold a letter.
    private mutating func tag(_ range: Range<Int>, sign: Character) throws(SearchQueryError) -> SearchQuery {
        let start = range.lowerBound
        if let name = Self.tagName(String(text[range]), sign == "#" ? .hashtag : .cashtag) {
            try count(terms: 1, at: start)
            return sign == "#" ? .hashtag(name) : .cashtag(name)
        }
        let words = SearchTokens(String(text[range].dropFirst())).words
        guard !words.isEmpty else { throw failure(at: start, "a word is missing after \(sign)") }
        guard text[range].contains(where: \.isLetter) else { return try keyword(range) }
        guard words.count == 1 else {
            throw failure(at: start, "a tag is one word of letters, digits and _; quote it to search for its words")
        }
        try count(terms: 1, at: start)
        return sign == "#" ? .hashtag(words[0]) : .cashtag(words[0])
    }

    /// The folded name of the tag that a tweet with this text has, when no word stands behind it. Some of what separates
    /// words elsewhere is part of a tag: `$BRK.A`, `#col·lecció`.
    private static func tagName(_ written: String, _ kind: Entity.Kind) -> String? {
        guard let tag = Extractor.entities(in: written).first, tag.kind == kind, tag.range.lowerBound == 0 else {
            return nil
        }
        let rest = String(String.UnicodeScalarView(written.unicodeScalars.dropFirst(tag.range.upperBound)))
        let name = Hashtag.folded(tag.text)
        return SearchTokens(rest).words.isEmpty && name.contains(where: \.isLetter) ? name : nil
    }

    // MARK: Operators

    /// Nil when it is no operator: `foo:bar`, `12:30` and web addresses are text.
    private mutating func operation(_ range: Range<Int>) throws(SearchQueryError) -> SearchQuery? {
        guard let colon = text[range].firstIndex(of: ":") else { return nil }
        let name = String(text[range.lowerBound..<colon]).lowercased()
        guard Self.operators.contains(name) else { return nil }
        try count(terms: 1, at: range.lowerBound)
        guard colon + 1 < range.upperBound else {
            throw failure(at: range.lowerBound, "a value is missing after \(name):")
        }
        return try operation(name, colon + 1..<range.upperBound, operand: range.lowerBound)
    }

    private func operation(
        _ name: String, _ value: Range<Int>, operand: Int
    ) throws(SearchQueryError) -> SearchQuery {
        switch name {
        case "from": .from(try username(afterSign(value), after: "from:", operand: operand))
        case "to": .to(try username(afterSign(value), after: "to:", operand: operand))
        case "filter": .filter(try filter(value))
        case "lang": .language(try language(value))
        case "since": .since(try day(value))
        case "until": .until(try day(value))
        default: .minLikes(try number(value))
        }
    }

    private func afterSign(_ value: Range<Int>) -> Range<Int> {
        text[value.lowerBound] == "@" || text[value.lowerBound] == "＠"
            ? value.lowerBound + 1..<value.upperBound : value
    }

    private func username(
        _ range: Range<Int>, after sign: String, operand: Int
    ) throws(SearchQueryError) -> String {
        guard !range.isEmpty else { throw failure(at: operand, "a username is missing after \(sign)") }
        let name = String(text[range])
        guard name.utf8.count <= 15, name.utf8.allSatisfy({ CaseFolding.asciiWordByte($0) != 0 }) else {
            throw failure(at: range.lowerBound, "a username has 1 to 15 letters a-z, digits and _")
        }
        return name.lowercased()
    }

    private func filter(_ range: Range<Int>) throws(SearchQueryError) -> SearchFilter {
        let name = String(text[range])
        guard let filter = SearchFilter(rawValue: name.lowercased()) else {
            let known = SearchFilter.allCases.map { "filter:" + $0.rawValue }.joined(separator: ", ")
            throw failure(at: range.lowerBound, "there is no filter \"\(name)\"; there are \(known)")
        }
        return filter
    }

    /// A tag of BCP 47, by its shape: two to eight letters, then more parts behind hyphens.
    private func language(_ range: Range<Int>) throws(SearchQueryError) -> String {
        let parts = String(text[range]).lowercased().split(separator: "-", omittingEmptySubsequences: false)
        let isTag = parts.enumerated().allSatisfy { place, part in
            (place == 0 ? 2...8 : 1...8).contains(part.utf8.count)
                && part.utf8.allSatisfy { byte in
                    (0x61...0x7A).contains(byte) || place > 0 && (0x30...0x39).contains(byte)
                }
        }
        guard isTag else { throw failure(at: range.lowerBound, "a language is written like en or pt-br") }
        return parts.joined(separator: "-")
    }

    private func day(_ range: Range<Int>) throws(SearchQueryError) -> CalendarDay {
        let written = String(text[range])
        guard let day = CalendarDay(written) else {
            throw failure(at: range.lowerBound, "\"\(written)\" is no date; dates are written YYYY-MM-DD")
        }
        return day
    }

    private func number(_ range: Range<Int>) throws(SearchQueryError) -> Int64 {
        let digits = String(text[range])
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits) else {
            throw failure(at: range.lowerBound, "\"\(digits)\" is no number; numbers are written in digits")
        }
        return number
    }
}
