/// What the index is asked for: a word, or a fact about a tweet in the form of a word.
///
/// Facts carry a prefix with a sign that no word holds, so that all terms share one sorted space.
struct IndexTerm: Hashable, Comparable, Sendable {
    enum Kind: String, Sendable {
        case word = ""
        case hashtag = "#"
        case cashtag = "$"
        case mention = "@"
        case author = "from:"
        case recipient = "to:"
        case filter = "filter:"
        case language = "lang:"
    }

    /// The longest term: a cut word behind the longest prefix.
    static let maxBytes = SearchTokens.maxTokenBytes + 8

    /// UTF-8; terms sort by their bytes, on disk as in memory.
    let bytes: [UInt8]

    /// - Parameter name: folded already.
    init(_ kind: Kind, _ name: String) {
        bytes = Array(kind.rawValue.utf8) + Array(name.utf8)
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Only words have positions; a fact holds for the whole tweet.
    var hasPositions: Bool { IndexTerm.hasPositions(bytes.span) }

    static func hasPositions(_ term: Span<UInt8>) -> Bool {
        switch term[0] {
        case UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "@"): return false
        default: break
        }
        for index in term.indices where term[index] == UInt8(ascii: ":") { return false }
        return true
    }

    static func < (left: IndexTerm, right: IndexTerm) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
