/// Reads the query language, by recursive descent:
///
///     alternatives = parts *("OR" parts)              AND is what stands beside each other, and binds tighter
///     parts        = 1*part
///     part         = "-" part / "(" alternatives ")" / quoted / operand
///     operand      = operator ":" value / sign name / keyword
///
/// Punctuation that stands alone (`rock & roll`) is passed over, unless nothing else is there.
/// Recursion is bounded by `SearchQuery.maxDepth`.
struct SearchQueryParser {
    let text: [Character]
    var index = 0
    private var depth = 0
    private var terms = 0

    init(_ text: String) throws(SearchQueryError) {
        // A character can be of any length: bytes are bounded first, at more than what people write.
        guard text.utf8.count <= SearchQuery.maxCharacters * 8, text.count <= SearchQuery.maxCharacters else {
            throw SearchQueryError(
                column: SearchQuery.maxCharacters + 1,
                reason: "the query is longer than \(SearchQuery.maxCharacters) characters")
        }
        self.text = Array(text)
    }

    mutating func parse() throws(SearchQueryError) -> SearchQuery {
        try alternatives(openedAt: nil)
    }

    /// What fails, and where. `at` counts from 0.
    func failure(at index: Int, _ reason: String) -> SearchQueryError {
        SearchQueryError(column: index + 1, reason: reason)
    }

    /// Counts terms before they are made part of the query.
    mutating func count(terms more: Int, at index: Int) throws(SearchQueryError) {
        terms += more
        guard terms <= SearchQuery.maxTerms else {
            throw failure(at: index, "the query has more than \(SearchQuery.maxTerms) terms")
        }
    }

    // MARK: Structure

    /// Up to the parenthesis that closes `openedAt`, which is consumed, or to the end.
    private mutating func alternatives(openedAt: Int?) throws(SearchQueryError) -> SearchQuery {
        var alternatives: [SearchQuery] = []
        var parts: [SearchQuery] = []
        var lastOr: Int?
        var punctuation: Int?
        while try !atEnd(of: openedAt) {
            if isOr {
                guard !parts.isEmpty else { throw failure(at: index, "OR has nothing on its left") }
                lastOr = index
                index += 2
                alternatives.append(.conjunction(parts))
                (parts, punctuation) = ([], nil)
            } else if isPunctuation {
                punctuation = index
                index = operandEnd
            } else {
                parts.append(try part())
            }
        }
        if parts.isEmpty, let punctuation {
            index = punctuation
            throw nothingToSearch(in: punctuation..<operandEnd)
        }
        guard !parts.isEmpty else { throw nothingFound(lastOr: lastOr, openedAt: openedAt) }
        alternatives.append(.conjunction(parts))
        return .disjunction(alternatives)
    }

    private func nothingFound(lastOr: Int?, openedAt: Int?) -> SearchQueryError {
        if let lastOr { return failure(at: lastOr, "OR has nothing on its right") }
        if let openedAt { return failure(at: openedAt, "there is nothing between the parentheses") }
        return failure(at: 0, "the query is empty")
    }

    /// Skips spaces; says whether the group is over, and consumes its closing parenthesis.
    private mutating func atEnd(of openedAt: Int?) throws(SearchQueryError) -> Bool {
        while index < text.count && text[index].isWhitespace { index += 1 }
        guard index < text.count else {
            if let openedAt { throw failure(at: openedAt, "this parenthesis is never closed") }
            return true
        }
        guard text[index] == ")" else { return false }
        guard openedAt != nil else { throw failure(at: index, "this parenthesis closes nothing") }
        index += 1
        return true
    }

    private mutating func part() throws(SearchQueryError) -> SearchQuery {
        switch text[index] {
        case "-": try exclusion()
        case "(": try group()
        case let character where Self.isQuote(character): try quoted()
        default: try operand()
        }
    }

    private mutating func exclusion() throws(SearchQueryError) -> SearchQuery {
        try descend()
        let start = index
        index += 1
        guard index < text.count, !text[index].isWhitespace, text[index] != ")" else {
            throw failure(at: start, "- must stand right before what it excludes")
        }
        let excluded = try part()
        depth -= 1
        return .negation(excluded)
    }

    private mutating func group() throws(SearchQueryError) -> SearchQuery {
        try descend()
        index += 1
        let inner = try alternatives(openedAt: index - 1)
        depth -= 1
        return inner
    }

    private mutating func descend() throws(SearchQueryError) {
        depth += 1
        guard depth <= SearchQuery.maxDepth else {
            throw failure(at: index, "more than \(SearchQuery.maxDepth) groups and exclusions inside one another")
        }
    }

    private mutating func quoted() throws(SearchQueryError) -> SearchQuery {
        let start = index
        guard let end = text[(start + 1)...].firstIndex(where: Self.isQuote) else {
            throw failure(at: start, "this quotation mark is never closed")
        }
        index = end + 1
        let words = SearchTokens(String(text[(start + 1)..<end])).words
        guard !words.isEmpty else { throw failure(at: start, "there is no word between the quotation marks") }
        return try wordOrPhrase(words, at: start)
    }

    /// Several words of one keyword (`it's`, `foo-bar`) are looked for as they stand: behind one another.
    mutating func wordOrPhrase(_ words: [String], at start: Int) throws(SearchQueryError) -> SearchQuery {
        try count(terms: words.count, at: start)
        return words.count == 1 ? .word(words[0]) : .phrase(words)
    }

    func nothingToSearch(in range: Range<Int>) -> SearchQueryError {
        failure(at: range.lowerBound, "\"\(String(text[range]))\" holds no letter or digit to search for")
    }

    // MARK: Characters

    /// Whether what begins here only separates, and nothing is joined to it. Signs that want something behind them, and
    /// what elsewhere means "or", do not.
    private var isPunctuation: Bool {
        let end = operandEnd
        guard !"-#＃@＠\"\u{201C}\u{201D}(|".contains(text[index]),
            end == text.count || text[end].isWhitespace || text[end] == ")"
        else { return false }
        return text[index..<end].allSatisfy { $0.isPunctuation || $0.isMathSymbol }
            && SearchTokens(String(text[index..<end])).words.isEmpty
    }

    /// Whether the next operand is the word `OR`, in capitals.
    private var isOr: Bool {
        text[index] == "O" && operandEnd == index + 2 && text[index + 1] == "R"
    }

    /// Where the operand that begins here ends.
    var operandEnd: Int {
        text[index...].firstIndex { $0.isWhitespace || $0 == "(" || $0 == ")" || Self.isQuote($0) } ?? text.count
    }

    /// Phones type curly quotation marks.
    private static func isQuote(_ character: Character) -> Bool {
        character == "\"" || character == "\u{201C}" || character == "\u{201D}"
    }
}
