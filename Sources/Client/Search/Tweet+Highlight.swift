import TweetText

extension Tweet {
    /// The text as HTML with what a search found between `<em>` tags; nil when nothing is marked.
    public var highlighted: String? {
        guard !hits.isEmpty else { return nil }
        let escaped = EscapedText(text)
        return HitHighlighter().highlight(escaped.html, hits: hits.map { escaped.range(of: $0) })
    }
}

/// A text in which nothing reads as markup, and where each of its code points went.
private struct EscapedText {
    private(set) var html = ""
    /// The place in `html` of each code point, and of the end.
    private var places: [Int] = []

    init(_ text: String) {
        var place = 0
        for scalar in text.unicodeScalars {
            places.append(place)
            let escaped = Self.escaped(scalar)
            html += escaped
            place += escaped.unicodeScalars.count
        }
        places.append(place)
    }

    func range(of range: Range<Int>) -> Range<Int> {
        let last = places.count - 1
        return places[min(range.lowerBound, last)]..<places[min(range.upperBound, last)]
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "<": "&lt;"
        case ">": "&gt;"
        case "&": "&amp;"
        default: String(scalar)
        }
    }
}
