/// Finds web addresses, with and without protocol: `valid_url` and what the reference extractor does with its matches.
struct URLScanner {
    /// A web address: usually one piece of the text. Without a protocol the domain may be cut down to its last ASCII
    /// part, and that part need not touch the path.
    struct Match: Equatable {
        let head: Range<Int>
        let tail: Range<Int>

        var range: Range<Int> { head.lowerBound..<tail.upperBound }
    }

    /// The longest address that can be shortened, with its protocol, in code points.
    private static let longestURL = 4096
    private static let longestShortenedSlug = 40
    private static let protocolLength = 8

    private let text: CodePoints
    private var found: [Match] = []
    /// Where the last match of `valid_url` ended, whether or not it became an address: no match takes text before it.
    private var consumed = 0

    init(_ text: CodePoints) { self.text = text }

    /// The addresses in order.
    static func matches(in text: CodePoints) -> [Match] {
        var scanner = URLScanner(text)
        scanner.scan()
        return scanner.found
    }

    private mutating func scan() {
        var position = 0
        while let dot = text.first(from: position, where: { $0 == "." }) {
            var chain = DomainChain(text, around: dot, from: position)
            scan(&chain)
            position = max(chain.range.upperBound, consumed)
        }
    }

    /// Tries the starts in a chain from left to right. A start behind a protocol comes first, as its match does.
    private mutating func scan(_ chain: inout DomainChain) {
        if let start = protocolStart(before: chain.range.lowerBound),
            let domainEnd = chain.domainEnd(from: chain.range.lowerBound)
        {
            takeAddress(from: start, domain: chain.range.lowerBound..<domainEnd)
        }
        var start = max(chain.range.lowerBound, consumed)
        while start < chain.range.upperBound {
            if mayPrecede(start), !isOvertaken(start, in: chain), let domainEnd = chain.domainEnd(from: start) {
                takeBareDomain(start..<domainEnd)
                start = max(start + 1, consumed)
            } else {
                start += 1
            }
        }
    }

    // MARK: What may stand before

    /// `valid_url_preceding_chars`: is the start of the text here, or a fitting code point that is not used up?
    private func mayPrecede(_ start: Int) -> Bool {
        start == 0 || (start > consumed && text[start - 1].mayPrecedeURL)
    }

    /// A pattern that takes a code point before it is tried before one that takes none: so at the very start of a text
    /// the address may begin with the second letter.
    private func isOvertaken(_ start: Int, in chain: DomainChain) -> Bool {
        guard start == 0, chain.range.count > 1, text[0].mayPrecedeURL else { return false }
        var ahead = chain
        return ahead.domainEnd(from: 1) != nil
    }

    /// Where `http://` or `https://` begins that ends at `domain` and has a fitting code point before it.
    private func protocolStart(before domain: Int) -> Int? {
        let start: Int
        if text.hasASCII("http://", at: domain - 7) {
            start = domain - 7
        } else if text.hasASCII("https://", at: domain - 8) {
            start = domain - 8
        } else {
            return nil
        }
        return start >= consumed && mayPrecede(start) ? start : nil
    }

    // MARK: What becomes of a match

    private mutating func takeAddress(from start: Int, domain: Range<Int>) {
        let tail = URLTail(text, behind: domain.upperBound)
        consumed = tail.end
        var end = tail.end
        if let slug = shortenedSlug(domain, tail) {
            guard slug.count <= Self.longestShortenedSlug else { return }
            end = URLTail.queryEnd(text, at: slug.upperBound, limit: tail.end) ?? slug.upperBound
        }
        if isValid(domain, addressLength: end - start) {
            found.append(Match(head: start..<domain.upperBound, tail: domain.upperBound..<end))
        }
    }

    /// `valid_tco_url`: letters and digits behind `t.co/`. What follows them, but for a query, is not of the address.
    private func shortenedSlug(_ domain: Range<Int>, _ tail: URLTail) -> Range<Int>? {
        guard domain.count == 4, text.hasASCII("t.co/", at: domain.lowerBound), tail.pathEnd != nil else { return nil }
        let start = domain.upperBound + 1
        let slug = start..<text.end(of: start, limit: tail.end) { $0.isASCIIAlphanumeric }
        return slug.isEmpty ? nil : slug
    }

    /// Without a protocol only the ASCII domains in the match count, the last of them with the path.
    private mutating func takeBareDomain(_ domain: Range<Int>) {
        let tail = URLTail(text, behind: domain.upperBound)
        defer { consumed = tail.end }
        if domain.lowerBound > 0, text[domain.lowerBound - 1].spoilsBareDomain { return }
        let addressLength = tail.end - domain.lowerBound + Self.protocolLength
        let domains = ASCIIDomainScanner(text: text).ranges(in: domain).filter {
            isValid($0, addressLength: addressLength)
        }
        found += domains.map { Match(head: $0, tail: $0.upperBound..<$0.upperBound) }
        if let last = domains.last, tail.pathEnd != nil {
            found[found.count - 1] = Match(head: last, tail: domain.upperBound..<tail.end)
        }
    }

    private func isValid(_ domain: Range<Int>, addressLength: Int) -> Bool {
        guard let growth = InternationalDomain.growth(of: domain, in: text) else { return false }
        return addressLength + growth <= Self.longestURL
    }
}

extension Unicode.Scalar {
    fileprivate var mayPrecedeURL: Bool {
        switch self {
        case "@", "＠", "$", "#", "＃": false
        default: !(isASCIIAlphanumeric || isInvalidInTweet)
        }
    }

    /// `invalid_url_without_protocol_preceding_chars`
    fileprivate var spoilsBareDomain: Bool { self == "-" || self == "_" || self == "." || self == "/" }
}
