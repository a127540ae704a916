/// Finds `@name` and `@name/list`: `valid_mention_or_list`, and `valid_reply`.
struct MentionScanner {
    struct Match {
        /// With the sign, and with the list's part if there is one.
        let range: Range<Int>
        let name: Range<Int>
        /// With its slash; empty if this is a mention.
        let slug: Range<Int>
    }

    private static let longestName = 20
    /// Letters behind the slash.
    private static let longestSlug = 25

    let text: CodePoints

    func matches() -> [Match] {
        var found: [Match] = []
        var consumed = 0
        var position = 0
        while let sign = text.first(from: position, where: { $0.isAtSign }) {
            position = sign + 1
            guard isBoundary(before: sign, consumed: consumed), let match = match(at: sign) else { continue }
            consumed = match.range.upperBound
            position = consumed
            if !isSpoiled(at: consumed) { found.append(match) }
        }
        return found
    }

    /// The name that a text which begins with spaces and a mention replies to.
    func replyName() -> Range<Int>? {
        let start = text.end(of: 0) { $0.isSpace || $0.isDirectionalMark }
        guard text.at(start)?.isAtSign == true else { return nil }
        let name = self.name(behind: start)
        return name.isEmpty || isSpoiled(at: name.upperBound) ? nil : name
    }

    /// The mention or list that begins with the sign there, whatever stands around it.
    func match(at sign: Int) -> Match? {
        let name = self.name(behind: sign)
        guard !name.isEmpty else { return nil }
        let slug = self.slug(at: name.upperBound)
        return Match(range: sign..<slug.upperBound, name: name, slug: slug)
    }

    private func name(behind sign: Int) -> Range<Int> {
        sign + 1..<text.end(of: sign + 1, limit: sign + 1 + Self.longestName) { $0.isNameCharacter }
    }

    private func slug(at slash: Int) -> Range<Int> {
        guard text.at(slash) == "/", let first = text.at(slash + 1), first.isASCIILetter else { return slash..<slash }
        let limit = slash + 1 + Self.longestSlug
        return slash..<text.end(of: slash + 2, limit: limit) { $0.isNameCharacter || $0 == "-" }
    }

    /// `valid_mention_preceding_chars`, of text that no earlier match has used up.
    private func isBoundary(before sign: Int, consumed: Int) -> Bool {
        guard sign > 0 else { return true }
        guard sign > consumed else { return false }
        return !text[sign - 1].spoilsMention || isRetweetMark(before: sign, consumed: consumed)
    }

    /// `RT` before the sign, at the start or behind what is not part of a word or address. (`RT:` needs no rule of its
    /// own, as a colon may stand before any mention.)
    private func isRetweetMark(before sign: Int, consumed: Int) -> Bool {
        guard text.hasASCII("rt", at: sign - 2) else { return false }
        guard let before = text.at(sign - 3) else { return true }
        return sign - 3 >= consumed
            && !(before.isNameCharacter || before == "+" || before == "~" || before == "."
                || before == "-")
    }

    /// `end_mention_match`: part of an address, of a word in another alphabet, or of a URL.
    private func isSpoiled(at end: Int) -> Bool {
        guard let next = text.at(end) else { return false }
        return next.isAtSign || next.isLatinAccent || text.hasASCII("://", at: end)
    }
}

extension Unicode.Scalar {
    fileprivate var spoilsMention: Bool {
        switch self {
        case "_", "!", "#", "$", "%", "&", "*", "@", "＠": true
        default: isASCIIAlphanumeric
        }
    }
}
