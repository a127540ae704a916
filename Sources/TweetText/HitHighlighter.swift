/// Puts tags around the places of a text that a search has found (`hitHighlight`).
///
/// The text may already hold links and other markup; what is between `<` and `>` is not counted.
public struct HitHighlighter: Hashable, Sendable {
    /// The name of the tag, without brackets.
    public let tag: String

    public init(tag: String = "em") { self.tag = tag }

    /// The text with each hit between an opening and a closing tag.
    ///
    /// A hit's tag opens behind markup that stands at its start. It closes before markup that stands at its end if it
    /// was opened in the same piece of text, else behind: so tags nest.
    ///
    /// - Parameters:
    ///   - text: Plain or with markup; a bracket that is meant as one has to be escaped.
    ///   - hits: In code points of the text without its markup. Hits that overlap are taken as one; what lies behind
    ///     the end is highlighted as far as there is text.
    public func highlight(_ text: String, hits: [Range<Int>]) -> String {
        guard !hits.isEmpty else { return text }
        let pieces = Self.pieces(of: text)
        var run = Run(tag: tag, hits: Self.merged(hits, length: pieces.reduce(0) { $0 + $1.length }))
        for piece in pieces {
            switch piece {
            case .text(let scalars): run.pass(scalars)
            case .markup(let scalars): run.copy(scalars)
            }
        }
        return run.finished()
    }

    private static func merged(_ hits: [Range<Int>], length: Int) -> [Range<Int>] {
        let inside = hits.filter { $0.lowerBound < length }.map { $0.lowerBound..<min($0.upperBound, length) }
        return inside.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { merged, hit in
            if let last = merged.last, hit.lowerBound < last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, hit.upperBound)
            } else {
                merged.append(hit)
            }
        }
    }

    // MARK: Text and markup

    private typealias Scalars = Substring.UnicodeScalarView

    private enum Piece {
        case text(Scalars)
        case markup(Scalars)

        /// In code points of text.
        var length: Int {
            switch self {
            case .text(let scalars): scalars.count
            case .markup: 0
            }
        }
    }

    /// Texts and markup in order; two pieces of markup in a row have no text between them.
    private static func pieces(of text: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...].unicodeScalars
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            if open > rest.startIndex { pieces.append(.text(rest[..<open])) }
            pieces.append(.markup(rest[open...close]))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(rest)) }
        return pieces
    }

    // MARK: Writing

    /// The output so far, and the hits that are still to come.
    private struct Run {
        private let openingTag: String.UnicodeScalarView
        private let closingTag: String.UnicodeScalarView
        private var hits: ArraySlice<Range<Int>>
        /// Is the first of the hits open?
        private var isOpen = false
        private var position = 0
        private var output = String.UnicodeScalarView()

        init(tag: String, hits: [Range<Int>]) {
            openingTag = "<\(tag)>".unicodeScalars
            closingTag = "</\(tag)>".unicodeScalars
            self.hits = hits[...]
        }

        mutating func copy(_ markup: Scalars) { output.append(contentsOf: markup) }

        mutating func pass(_ text: Scalars) {
            var openedHere = false
            for scalar in text {
                placeTags(&openedHere)
                output.append(scalar)
                position += 1
            }
            if isOpen, openedHere, let hit = hits.first, hit.upperBound == position { close() }
        }

        /// All tags that belong before the code point at `position`.
        private mutating func placeTags(_ openedHere: inout Bool) {
            while let hit = hits.first {
                if isOpen, hit.upperBound <= position {
                    close()
                } else if !isOpen, hit.lowerBound <= position {
                    output.append(contentsOf: openingTag)
                    isOpen = true
                    openedHere = true
                } else {
                    return
                }
            }
        }

        private mutating func close() {
            output.append(contentsOf: closingTag)
            isOpen = false
            hits.removeFirst()
        }

        /// Closes what reaches to the end.
        mutating func finished() -> String {
            if isOpen { close() }
            return String(output)
        }
    }
}
