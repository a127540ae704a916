/// Walks the tweets of one segment or block that fit a part of a query, newest first.
///
/// Tweets are named by their ordinal: 0 is the oldest, −1 means that there are no more. A cursor is asked in two steps,
/// so that what is cheap narrows before what is dear decides: `advance` gives the next tweet that *may* fit, from
/// postings alone, and `matches` says whether it does. Source of the two steps: Apache Lucene, TwoPhaseIterator.
protocol PostingCursor: AnyObject {
    /// At most so many tweets will come.
    var estimate: Int { get }
    /// What `matches` costs.
    var check: MatchCheck { get }

    /// The newest tweet at or below `limit` that may fit; −1 when there is none. Limits never rise from call to call.
    func advance(to limit: Int) throws -> Int
    /// Whether the tweet that `advance` gave last does fit.
    func matches() throws -> Bool
}

/// How dear it is to look closely; the cheap looks come first.
enum MatchCheck: Int, Comparable {
    case none
    case positions
    /// A row is read.
    case predicate

    static func < (left: MatchCheck, right: MatchCheck) -> Bool { left.rawValue < right.rawValue }
}

/// The tweets in which one term occurs.
protocol TermPostings: PostingCursor {
    /// Appends the term's positions in the tweet that `advance` gave last, ascending.
    func positions(into found: inout [Int]) throws
}

extension TermPostings {
    var check: MatchCheck { .none }
    func matches() -> Bool { true }
}

/// A run of ordinals: all tweets, or those of a time.
final class OrdinalRange: PostingCursor {
    private let range: ClosedRange<Int>

    init(_ range: ClosedRange<Int>) {
        self.range = range
    }

    var estimate: Int { range.count }
    var check: MatchCheck { .none }

    func advance(to limit: Int) -> Int {
        let ordinal = min(limit, range.upperBound)
        return ordinal >= range.lowerBound ? ordinal : -1
    }

    func matches() -> Bool { true }
}
