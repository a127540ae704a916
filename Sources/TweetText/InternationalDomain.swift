/// The limits of a domain name in the form that DNS sees: RFC 3490 section 4.1 without its name preparation, which the
/// rules of twitter-text stand for.
enum InternationalDomain {
    private static let longestLabel = 63
    private static let prefixLength = 4

    /// By how many characters the name grows when its labels are written in ASCII, or nil if a label is empty, too
    /// long, or pretends to be encoded and is not.
    static func growth(of domain: Range<Int>, in text: CodePoints) -> Int? {
        var growth = 0
        var start = domain.lowerBound
        while start <= domain.upperBound {
            var isASCII = true
            let end = text.end(of: start, limit: domain.upperBound) { scalar in
                isASCII = isASCII && (scalar.value < 0x80 || scalar.isLabelSeparator)
                return !scalar.isLabelSeparator
            }
            guard let length = isASCII ? end - start : encodedLength(of: start..<end, in: text),
                (1...longestLabel).contains(length)
            else { return nil }
            growth += length - (end - start)
            start = end + 1
        }
        return growth
    }

    private static func encodedLength(of label: Range<Int>, in text: CodePoints) -> Int? {
        // Each code point takes at least one character, so what is longer cannot fit; this also bounds the work.
        guard label.count <= longestLabel - prefixLength, !text.hasASCII("xn--", at: label.lowerBound) else {
            return nil
        }
        return prefixLength + Punycode.length(of: label.map { text[$0].value })
    }
}

extension Unicode.Scalar {
    /// RFC 3490 section 3.1, requirement 1.
    fileprivate var isLabelSeparator: Bool { self == "." || self == "。" || self == "．" || self == "｡" }
}

/// RFC 3492, as far as lengths need it.
enum Punycode {
    private static let base = 36
    private static let firstThreshold = 1
    private static let lastThreshold = 26
    private static let skew = 38
    private static let damp = 700

    /// Characters of the encoding, without the prefix.
    static func length(of label: [UInt32]) -> Int {
        let basics = label.count { $0 < 0x80 }
        var length = basics > 0 ? basics + 1 : 0
        var handled = basics
        var delta = 0
        var bias = 72
        var point: UInt32 = 0x80
        while handled < label.count, let next = label.lazy.filter({ $0 >= point }).min() {
            delta += Int(next - point) * (handled + 1)
            for value in label {
                if value < next { delta += 1 }
                if value != next { continue }
                length += digits(of: delta, bias: bias)
                bias = adapted(delta, count: handled + 1, isFirst: handled == basics)
                delta = 0
                handled += 1
            }
            delta += 1
            point = next + 1
        }
        return length
    }

    /// How many digits a variable-length integer takes (section 3.3).
    private static func digits(of delta: Int, bias: Int) -> Int {
        var rest = delta
        var count = 1
        while true {
            let threshold = min(max(base * count - bias, firstThreshold), lastThreshold)
            if rest < threshold { return count }
            rest = (rest - threshold) / (base - threshold)
            count += 1
        }
    }

    /// Section 6.1.
    private static func adapted(_ delta: Int, count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / damp : delta / 2
        delta += delta / count
        var shift = 0
        while delta > (base - firstThreshold) * lastThreshold / 2 {
            delta /= base - firstThreshold
            shift += base
        }
        return shift + (base - firstThreshold + 1) * delta / (delta + skew)
    }
}
