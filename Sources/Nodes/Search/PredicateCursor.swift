/// Tweets that a question outside the index accepts, such as how often they were liked.
final class PredicateCursor: PostingCursor {
    private let unit: any SearchUnit
    private let accepts: (UInt64) throws -> Bool
    private var current = -1

    init(_ unit: any SearchUnit, accepts: @escaping (UInt64) throws -> Bool) {
        self.unit = unit
        self.accepts = accepts
    }

    var estimate: Int { unit.count }
    var check: MatchCheck { .predicate }

    func advance(to limit: Int) -> Int {
        current = min(limit, unit.count - 1)
        return current
    }

    func matches() throws -> Bool {
        try accepts(unit.ids()[current])
    }
}
