/// A run of labels and dots, read once, that answers for every start in it how far `valid_domain` reaches.
///
/// The rule is `valid_subdomain* valid_domain_name (valid_gTLD | valid_ccTLD | valid_punycode)`: labels that begin and
/// end with a domain character and may hold `-` and `_`, then one without `_`, then a top-level domain, and of all ways
/// the one that takes most labels. As that depends only on what follows a label, each label holds its answer, and a
/// text costs linear work however many starts are tried.
struct DomainChain {
    private struct Label {
        let range: Range<Int>
        /// The end of the top-level domain that begins here.
        let topLevelEnd: Int?
        let lastUnderscore: Int?
        let beginsWell: Bool
        let endsWell: Bool
        /// Where the longest domain that begins with this label ends.
        var reach: Int?
    }

    let range: Range<Int>
    private let text: CodePoints
    private var labels: [Label]
    /// The label that holds the start asked for last; starts only ever go up.
    private var current = 0

    /// - Parameters:
    ///   - dot: A dot of the chain.
    ///   - floor: Where the part of the text begins that the chain may take.
    init(_ text: CodePoints, around dot: Int, from floor: Int) {
        var start = dot
        while start > floor, text[start - 1].isDomainOrJoint { start -= 1 }
        self.text = text
        labels = []
        var labelStart = start
        while true {
            let label = Self.label(at: labelStart, in: text)
            labels.append(label)
            guard text.at(label.range.upperBound) == "." else { break }
            labelStart = label.range.upperBound + 1
        }
        range = start..<labels[labels.count - 1].range.upperBound
        findReaches()
    }

    private static func label(at start: Int, in text: CodePoints) -> Label {
        var lastUnderscore: Int?
        var end = start
        while let scalar = text.at(end), scalar.isDomainCharacter || scalar == "-" || scalar == "_" {
            if scalar == "_" { lastUnderscore = end }
            end += 1
        }
        return Label(
            range: start..<end,
            topLevelEnd: TopLevelDomainIndex.shared.end(at: start, in: text, limit: text.count),
            lastUnderscore: lastUnderscore,
            beginsWell: end > start && text[start].isDomainCharacter,
            endsWell: end > start && text[end - 1].isDomainCharacter)
    }

    /// From the right, as a label's reach is its right neighbour's unless that has none.
    private mutating func findReaches() {
        for index in labels.indices.dropLast().reversed() {
            let label = labels[index], next = labels[index + 1]
            guard label.beginsWell, label.endsWell else { continue }
            labels[index].reach = next.reach ?? (label.lastUnderscore == nil ? next.topLevelEnd : nil)
        }
    }

    /// Where the domain that begins at `start` ends, or nil if none begins there.
    ///
    /// - Precondition: `start` lies in the chain, and not before the one asked for last.
    mutating func domainEnd(from start: Int) -> Int? {
        while labels[current].range.upperBound < start { current += 1 }
        let label = labels[current]
        guard current + 1 < labels.count, label.range.contains(start), label.endsWell, text[start].isDomainCharacter
        else { return nil }
        let next = labels[current + 1]
        if let reach = next.reach { return reach }
        return (label.lastUnderscore ?? -1) < start ? next.topLevelEnd : nil
    }
}

extension Unicode.Scalar {
    /// `valid_domain_chars`: no punctuation of ASCII, no space or control, nothing that steers or is invalid.
    var isDomainCharacter: Bool {
        if value < 0x80 { return isASCIIAlphanumeric }
        return !(isDirectionalMark || isInvalidInTweet || isSpace)
    }

    fileprivate var isDomainOrJoint: Bool { self == "." || self == "-" || self == "_" || isDomainCharacter }
}
