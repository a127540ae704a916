/// Tweets that fit any of several parts.
final class UnionCursor: PostingCursor {
    /// The cheapest to look at first.
    private let parts: [any PostingCursor]
    private var places: [Int]
    private var current = -1
    let estimate: Int
    let check: MatchCheck

    init(_ parts: [any PostingCursor]) {
        self.parts = parts.sorted { $0.check < $1.check }
        places = Array(repeating: -1, count: parts.count)
        estimate = parts.reduce(0) { $0 + $1.estimate }
        check = self.parts.last.map { $0.check } ?? .none
    }

    func advance(to limit: Int) throws -> Int {
        current = -1
        for index in parts.indices {
            places[index] = try parts[index].advance(to: limit)
            current = max(current, places[index])
        }
        return current
    }

    func matches() throws -> Bool {
        for index in parts.indices where places[index] == current {
            if try parts[index].matches() { return true }
        }
        return false
    }
}
