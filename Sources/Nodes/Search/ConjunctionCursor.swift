/// Tweets that fit all of some parts and none of others.
final class ConjunctionCursor: PostingCursor {
    /// The rarest first: it leads.
    private let required: [any PostingCursor]
    /// What must be looked at closely, the cheapest first, and whether it must fit or must not.
    private let checks: [Check]
    private var current = -1
    let estimate: Int
    let check: MatchCheck

    private struct Check {
        var cursor: any PostingCursor
        var wanted: Bool
    }

    /// - Parameter required: not empty.
    init(_ required: [any PostingCursor], excluding excluded: [any PostingCursor]) {
        precondition(!required.isEmpty, "an exclusion alone leaves all tweets, not none")
        self.required = required.sorted { $0.estimate < $1.estimate }
        let all =
            required.filter { $0.check != .none }.map { Check(cursor: $0, wanted: true) }
            + excluded.map { Check(cursor: $0, wanted: false) }
        checks = all.sorted { $0.cursor.check < $1.cursor.check }
        // An exclusion by postings alone is a look, too: `advance` does not heed it.
        check = max(checks.last.map { $0.cursor.check } ?? .none, excluded.isEmpty ? .none : .positions)
        estimate = self.required[0].estimate
    }

    /// Leapfrog: whoever is lower says where all must meet next.
    func advance(to limit: Int) throws -> Int {
        var meeting = limit
        var agreeing = 0
        var turn = 0
        while agreeing < required.count && meeting >= 0 {
            let ordinal = try required[turn].advance(to: meeting)
            agreeing = ordinal == meeting ? agreeing + 1 : 1
            meeting = ordinal
            turn = turn + 1 == required.count ? 0 : turn + 1
        }
        current = meeting
        return meeting
    }

    func matches() throws -> Bool {
        for check in checks where try fits(check) != check.wanted { return false }
        return true
    }

    private func fits(_ check: Check) throws -> Bool {
        if check.wanted { return try check.cursor.matches() }
        return try check.cursor.advance(to: current) == current && check.cursor.matches()
    }
}
