/// The postings of one term in a segment in memory, from the newest tweet to the oldest.
final class MemoryPostings: TermPostings {
    private let pool: [UInt32]
    private let first: UInt32
    let estimate: Int
    private var place: Place
    private var current: UInt32

    /// Where a posting lies: in a slice, or in the term's row, which stands before the first slice.
    private struct Place {
        var slice: Int
        var start: Int
        var index: Int
    }

    init(_ postings: PostingPool, row: Int) {
        let list = postings.lists[row]
        pool = postings.postings
        first = list.first
        estimate = Int(list.documents)
        place = Place(slice: Int(list.slices) - 1, start: Int(list.sliceStart), index: Int(list.sliceCount) - 1)
        current = list.first
        current = posting(at: place)
    }

    func advance(to limit: Int) -> Int {
        guard limit >= 0 else { return -1 }
        if PostingPool.ordinal(current) <= limit { return PostingPool.ordinal(current) }
        let most = PostingPool.posting(limit, MemorySegment.maxPosition)
        while place.slice >= 0 {
            let base = PostingPool.firstSlot(ofSlice: place.slice, at: place.start)
            if pool[base] <= most { return settle(in: base, atMost: most) }
            place = slice(before: place)
        }
        current = first
        return first <= most ? PostingPool.ordinal(first) : -1
    }

    func positions(into found: inout [Int]) {
        let start = found.count
        var place = place
        var posting = current
        while PostingPool.ordinal(posting) == PostingPool.ordinal(current) {
            found.append(PostingPool.position(posting))
            guard place.slice >= 0 else { break }
            place = before(place)
            posting = self.posting(at: place)
        }
        found[start...].reverse()
    }

    /// The last posting of the slice that is not above `most`; there is one.
    private func settle(in base: Int, atMost most: UInt32) -> Int {
        var low = 0
        var high = place.index
        // The next one, or a new slice's last, is the usual case: look there before halving.
        if pool[base + high] <= most { low = high } else { high -= 1 }
        if pool[base + high] <= most { low = high }
        while low < high {
            let middle = (low + high + 1) / 2
            if pool[base + middle] <= most { low = middle } else { high = middle - 1 }
        }
        place.index = low
        current = pool[base + low]
        return PostingPool.ordinal(current)
    }

    private func posting(at place: Place) -> UInt32 {
        place.slice < 0 ? first : pool[PostingPool.firstSlot(ofSlice: place.slice, at: place.start) + place.index]
    }

    private func before(_ place: Place) -> Place {
        place.index > 0 ? Place(slice: place.slice, start: place.start, index: place.index - 1) : slice(before: place)
    }

    /// The end of the slice before this one; slice −1 is the row.
    private func slice(before place: Place) -> Place {
        guard place.slice > 0 else { return Place(slice: -1, start: 0, index: 0) }
        let number = place.slice - 1
        return Place(slice: number, start: Int(pool[place.start]), index: PostingPool.size(ofSlice: number) - 1)
    }
}
