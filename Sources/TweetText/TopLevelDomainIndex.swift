/// Tells which top-level domain begins at a place in a text: `valid_gTLD`, `valid_ccTLD` and `valid_punycode`.
struct TopLevelDomainIndex: Sendable {
    static let shared = TopLevelDomainIndex(
        names: [TopLevelDomains.country, TopLevelDomains.generic].flatMap { $0.split(whereSeparator: \.isWhitespace) })

    private let ascii: Set<String>
    /// The others by their first code point, longest first: one may begin another.
    private let international: [Unicode.Scalar: [[Unicode.Scalar]]]
    private let longest: Int

    init(names: [Substring]) {
        let isASCII = { (name: Substring) in name.utf8.allSatisfy { $0 < 0x80 } }
        ascii = Set(names.lazy.filter(isASCII).map(String.init))
        let others = names.lazy.filter { !isASCII($0) }.map { Array($0.unicodeScalars) }
        international = Dictionary(grouping: others) { $0[0] }.mapValues { $0.sorted { $0.count > $1.count } }
        longest = names.map(\.unicodeScalars.count).max() ?? 0
    }

    /// Where the top-level domain that begins at `start` ends, or nil if none does.
    ///
    /// - Parameter limit: Where the text is taken to end.
    func end(at start: Int, in text: CodePoints, limit: Int) -> Int? {
        guard start < limit else { return nil }
        let first = text[start]
        guard first.value < 0x80 else { return internationalEnd(at: start, first, in: text, limit: limit) }
        return asciiEnd(at: start, in: text, limit: limit) ?? punycodeEnd(at: start, in: text, limit: limit)
    }

    private func asciiEnd(at start: Int, in text: CodePoints, limit: Int) -> Int? {
        let end = text.end(of: start, limit: min(limit, start + longest + 1)) { $0.isASCIILetter }
        guard end > start, end - start <= longest, isFree(at: end, in: text, limit: limit) else { return nil }
        let name = String(unsafeUninitializedCapacity: end - start) { bytes in
            for position in start..<end {
                bytes.initializeElement(at: position - start, to: UInt8(text[position].lowercasedASCII))
            }
            return end - start
        }
        return ascii.contains(name) ? end : nil
    }

    private func internationalEnd(at start: Int, _ first: Unicode.Scalar, in text: CodePoints, limit: Int) -> Int? {
        for name in international[first.lowercased] ?? [] {
            let end = start + name.count
            guard end <= limit, isFree(at: end, in: text, limit: limit) else { continue }
            if name.indices.allSatisfy({ text[start + $0].lowercased == name[$0] }) { return end }
        }
        return nil
    }

    /// `xn--` and what may be the rest of such a name, known or not.
    private func punycodeEnd(at start: Int, in text: CodePoints, limit: Int) -> Int? {
        guard start + 4 < limit, text.hasASCII("xn--", at: start) else { return nil }
        let end = text.end(of: start + 4, limit: limit) { $0.isASCIIAlphanumeric || $0 == "-" }
        return end > start + 4 ? end : nil
    }

    /// What a domain must not run into: `(?=[^0-9a-z@+-]|$)`.
    private func isFree(at position: Int, in text: CodePoints, limit: Int) -> Bool {
        guard position < limit else { return true }
        let next = text[position]
        return !(next.isASCIIAlphanumeric || next == "@" || next == "+" || next == "-")
    }
}

extension Unicode.Scalar {
    /// The small letter, where that is one code point.
    fileprivate var lowercased: Unicode.Scalar {
        guard properties.changesWhenLowercased else { return self }
        let mapping = properties.lowercaseMapping.unicodeScalars
        return mapping.count == 1 ? mapping.first! : self
    }
}
