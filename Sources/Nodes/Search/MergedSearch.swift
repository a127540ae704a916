import HeapModule

/// One page of a search over many partitions.
struct MergedSearch {
    struct Page: Equatable {
        /// Descending.
        var ids: [UInt64] = []
        /// Nothing that fits is left below.
        var isExhausted = false
        /// All that fits at or above it is in this page or one before: the next page looks below it.
        var examinedTo: UInt64
        /// What it cost: tweets looked at, and segments and blocks opened.
        var examined = 0
    }

    /// A stream by the newest that it can still give.
    private struct Place: Comparable {
        var upperBound: UInt64
        var stream: Int

        static func < (left: Place, right: Place) -> Bool {
            (left.upperBound, left.stream) < (right.upperBound, right.stream)
        }
    }

    private var streams: [CandidateStream]
    private var places: Heap<Place>
    private let range: Range<UInt64>

    /// - Parameters:
    ///   - streams: of different partitions.
    ///   - range: the ids that all of them were made for.
    init(_ streams: [CandidateStream], range: Range<UInt64>) {
        self.streams = streams
        self.range = range
        places = Heap(
            streams.enumerated().compactMap { number, stream in
                stream.upperBound.map { Place(upperBound: $0, stream: number) }
            })
    }

    /// Takes the newest tweets that fit and are accepted.
    ///
    /// - Parameters:
    ///   - limit: how many at most; not 0.
    ///   - budget: how much may be examined. It is overdrawn by at most two a stream, when less would not bring the
    ///     page on at all: so each page ends below the one before.
    ///   - isTimeOver: asked before each step; then the page ends as with the budget, since what is passed over costs time
    ///     and none of that.
    ///   - check: called before each step; what it throws ends the search.
    ///   - accept: whether the row is still there and may be seen (rule F6).
    consuming func page(
        limit: Int, budget: Int, isTimeOver: () -> Bool = { false }, check: () throws -> Void = {},
        accept: (UInt64) throws -> Bool
    ) throws -> Page {
        precondition(limit > 0, "a page holds something")
        var page = Page(examinedTo: range.upperBound)
        while let place = places.max {
            try check()
            // Everything above the newest place is settled, but for the id that it stands on.
            page.examinedTo = min(page.examinedTo, place.upperBound + 1)
            if page.examinedTo < range.upperBound, page.examined >= budget || isTimeOver() { return page }
            guard let id = try step(place, counting: &page.examined), try accept(id) else { continue }
            page.ids.append(id)
            if page.ids.count == limit {
                page.examinedTo = id
                page.isExhausted = places.isEmpty
                return page
            }
        }
        page.examinedTo = range.lowerBound
        page.isExhausted = true
        return page
    }

    /// The tweet that the step found to fit, if it did.
    private mutating func step(_ place: Place, counting examined: inout Int) throws -> UInt64? {
        let step = try streams[place.stream].step()
        if let upperBound = streams[place.stream].upperBound {
            places.replaceMax(with: Place(upperBound: upperBound, stream: place.stream))
        } else {
            _ = places.popMax()
        }
        switch step {
        case .opened:
            examined += 1
            return nil
        case .examined(let id):
            examined += 1
            return id
        case .advanced, nil: return nil
        }
    }
}
