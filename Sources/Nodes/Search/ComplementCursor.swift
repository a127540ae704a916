/// Tweets that do not fit a part: an exclusion that stands alone or in a union.
final class ComplementCursor: PostingCursor {
    private let excluded: any PostingCursor
    private let all: OrdinalRange
    private var current = -1

    init(of excluded: any PostingCursor, in all: OrdinalRange) {
        self.excluded = excluded
        self.all = all
    }

    var estimate: Int { all.estimate }
    var check: MatchCheck { max(excluded.check, .positions) }

    func advance(to limit: Int) -> Int {
        current = all.advance(to: limit)
        return current
    }

    func matches() throws -> Bool {
        try excluded.advance(to: current) != current || !excluded.matches()
    }
}
