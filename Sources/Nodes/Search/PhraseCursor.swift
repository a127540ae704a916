/// Tweets in which words follow one another.
final class PhraseCursor: PostingCursor {
    private let words: [any TermPostings]
    private let together: ConjunctionCursor
    private var starts: [Int] = []
    private var positions: [Int] = []

    /// - Parameter words: at least two, in the phrase's order. A word that comes twice may share a cursor.
    init(_ words: [any TermPostings]) {
        self.words = words
        together = ConjunctionCursor(words, excluding: [])
    }

    var estimate: Int { together.estimate }
    var check: MatchCheck { .positions }

    func advance(to limit: Int) throws -> Int {
        try together.advance(to: limit)
    }

    func matches() throws -> Bool {
        starts.removeAll(keepingCapacity: true)
        try words[0].positions(into: &starts)
        for (place, word) in words.enumerated().dropFirst() {
            positions.removeAll(keepingCapacity: true)
            try word.positions(into: &positions)
            starts.removeAll { !positions.contains($0 + place) }
            if starts.isEmpty { return false }
        }
        return true
    }
}
