/// Finds what `valid_ascii_domain` matches inside a domain: in scripts that part words by nothing, sentences and
/// addresses run into each other.
struct ASCIIDomainScanner {
    let text: CodePoints

    /// The matches in order, as though there were nothing but `domain`.
    func ranges(in domain: Range<Int>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = domain.lowerBound
        while position < domain.upperBound {
            let run = run(at: position, limit: domain.upperBound)
            if let end = run.domainEnd { found.append(position..<end) }
            position = run.domainEnd ?? max(run.end, position + 1)
        }
        return found
    }

    /// Labels and dots from `start` on, and the end of the last top-level domain behind one of the dots.
    private func run(at start: Int, limit: Int) -> (end: Int, domainEnd: Int?) {
        var domainEnd: Int?
        var labelStart = start
        while true {
            let end = text.end(of: labelStart, limit: limit) { $0.isASCIIDomainCharacter }
            guard end > labelStart, end < limit, text[end] == "." else { return (end, domainEnd) }
            labelStart = end + 1
            domainEnd = TopLevelDomainIndex.shared.end(at: labelStart, in: text, limit: limit) ?? domainEnd
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIIDomainCharacter: Bool { isNameCharacter || self == "-" || isLatinAccent }
}
