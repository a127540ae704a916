/// Holds one address against the grammar of RFC 3986 (`valid_url?` and the `validate_url_…` rules): taken apart as in
/// its Appendix B, then each part by itself.
struct URLValidation {
    private let text: CodePoints
    private let allowsUnicodeDomains: Bool
    private let requiresProtocol: Bool

    init(_ text: CodePoints, allowsUnicodeDomains: Bool, requiresProtocol: Bool) {
        self.text = text
        self.allowsUnicodeDomains = allowsUnicodeDomains
        self.requiresProtocol = requiresProtocol
    }

    /// `validate_url_unencoded`: scheme, authority, path, query, fragment.
    var isValid: Bool {
        let schemeEnd = text.end(of: 0) { !$0.endsScheme }
        let hasScheme = schemeEnd > 0 && text.hasASCII("://", at: schemeEnd)
        if requiresProtocol {
            guard hasScheme, isHTTP(0..<schemeEnd) else { return false }
        }
        let authorityStart = hasScheme ? schemeEnd + 3 : 0
        let authorityEnd = text.end(of: authorityStart) { !$0.endsAuthority }
        let pathEnd = text.end(of: authorityEnd) { $0 != "?" && $0 != "#" }
        let queryEnd = text.end(of: pathEnd) { $0 != "#" }
        return isAuthority(authorityStart..<authorityEnd) && isPath(authorityEnd..<pathEnd)
            && isQuery((pathEnd..<queryEnd).dropFirst()) && isQuery((queryEnd..<text.count).dropFirst())
    }

    private func isHTTP(_ scheme: Range<Int>) -> Bool {
        scheme.count == 4 && text.hasASCII("http", at: 0) || scheme.count == 5 && text.hasASCII("https", at: 0)
    }

    // MARK: Paths, queries and fragments

    private func isPath(_ range: Range<Int>) -> Bool {
        all(of: range) { $0.isPathCharacterOfRFC || $0 == "/" }
    }

    private func isQuery(_ range: Range<Int>) -> Bool {
        all(of: range) { $0.isPathCharacterOfRFC || $0 == "/" || $0 == "?" }
    }

    /// Do all code points belong, or stand for one as `%` and two hexadecimal digits?
    private func all(of range: Range<Int>, belong: (Unicode.Scalar) -> Bool) -> Bool {
        var position = range.lowerBound
        while position < range.upperBound {
            if text[position] == "%" {
                guard position + 2 < range.upperBound, text[position + 1].isHexDigit, text[position + 2].isHexDigit
                else { return false }
                position += 3
            } else {
                guard belong(text[position]) else { return false }
                position += 1
            }
        }
        return true
    }

    // MARK: Authority

    /// `validate_url_authority`: perhaps a user, a host, perhaps a port.
    private func isAuthority(_ range: Range<Int>) -> Bool {
        let user = text.end(of: range.lowerBound, limit: range.upperBound) { $0 != "@" }
        guard user < range.upperBound else { return isHostAndPort(range) }
        return all(of: range.lowerBound..<user) { $0.isUnreserved || $0.isSubDelimiter || $0 == ":" }
            && isHostAndPort(user + 1..<range.upperBound)
    }

    private func isHostAndPort(_ range: Range<Int>) -> Bool {
        if text.at(range.lowerBound) == "[", !range.isEmpty { return isIPv6AndPort(range) }
        let hostEnd = text.end(of: range.lowerBound, limit: range.upperBound) { $0 != ":" }
        let host = range.lowerBound..<hostEnd
        return isPort(hostEnd..<range.upperBound) && (isIPv4(host) || isDomain(host))
    }

    /// `validate_url_ipv6`, which looks at no more than which characters there are.
    private func isIPv6AndPort(_ range: Range<Int>) -> Bool {
        let start = range.lowerBound + 1
        let end = text.end(of: start, limit: range.upperBound) { $0.isHexDigit || $0 == ":" || $0 == "." }
        guard end > start, end < range.upperBound, text[end] == "]" else { return false }
        return isPort(end + 1..<range.upperBound)
    }

    /// Nothing, or a colon and one to five digits.
    private func isPort(_ range: Range<Int>) -> Bool {
        range.isEmpty
            || text[range.lowerBound] == ":" && (2...6).contains(range.count)
                && range.dropFirst().allSatisfy { text[$0].isASCIIDigit }
    }

    private func isIPv4(_ host: Range<Int>) -> Bool {
        let octets = labels(of: host)
        return octets.count == 4 && octets.allSatisfy(isOctet)
    }

    /// `validate_url_dec_octet`: 0 to 255 without leading zeros.
    private func isOctet(_ range: Range<Int>) -> Bool {
        guard (1...3).contains(range.count), range.allSatisfy({ text[$0].isASCIIDigit }) else { return false }
        let value = range.reduce(0) { $0 * 10 + Int(text[$1].value - 0x30) }
        return value <= 255 && (range.count == 1 || text[range.lowerBound] != "0")
    }

    /// `validate_url_domain` or its Unicode form: subdomains that may hold `_`, one label that may not, and a last one
    /// that does not begin with a digit.
    private func isDomain(_ host: Range<Int>) -> Bool {
        let labels = labels(of: host)
        guard labels.count >= 2, let last = labels.last, labels.allSatisfy(isLabel) else { return false }
        return !text[last.lowerBound].isASCIIDigit
            && labels.suffix(2).allSatisfy { label in label.allSatisfy { text[$0] != "_" } }
    }

    private func isLabel(_ label: Range<Int>) -> Bool {
        guard let first = label.first, let last = label.last else { return false }
        return isDomainCharacter(first) && isDomainCharacter(last)
            && label.allSatisfy { isDomainCharacter($0) || text[$0] == "-" || text[$0] == "_" }
    }

    private func isDomainCharacter(_ position: Int) -> Bool {
        let scalar = text[position]
        return scalar.isASCIIAlphanumeric || (allowsUnicodeDomains && scalar.value >= 0x80)
    }

    private func labels(of host: Range<Int>) -> [Range<Int>] {
        var labels: [Range<Int>] = []
        var start = host.lowerBound
        while start <= host.upperBound {
            let end = text.end(of: start, limit: host.upperBound) { $0 != "." }
            labels.append(start..<end)
            start = end + 1
        }
        return labels
    }
}

extension Unicode.Scalar {
    fileprivate var endsAuthority: Bool { self == "/" || self == "?" || self == "#" }

    fileprivate var endsScheme: Bool { self == ":" || endsAuthority }

    fileprivate var isHexDigit: Bool { properties.isASCIIHexDigit }

    /// `validate_url_unreserved`
    fileprivate var isUnreserved: Bool {
        isNameCharacter || self == "." || self == "~" || isDash || isCyrillic
    }

    /// `validate_url_sub_delims`
    fileprivate var isSubDelimiter: Bool {
        switch self {
        case "!", "$", "&", "'", "(", ")", "*", "+", ",", ";", "=": true
        default: false
        }
    }

    /// `validate_url_pchar` without its percent encoding.
    fileprivate var isPathCharacterOfRFC: Bool {
        isUnreserved || isSubDelimiter || self == ":" || self == "|" || self == "@"
    }
}
