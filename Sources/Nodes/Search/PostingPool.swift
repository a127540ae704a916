/// The postings of a segment's terms: where each term occurs, in slices of one array.
///
/// A posting is `ordinal << 16 | position`. A term's first one lies in its row; the others lie in slices that double
/// and redouble, each but the first with a link to the slice before it. So a rare term costs a row, a common one little
/// slack, and reading goes from the newest tweet to the oldest, slice by slice, skipping whole ones.
/// Source: Busch et al., Earlybird: Real-Time Search at Twitter, ICDE 2012, section 4.2.
struct PostingPool: Sendable {
    /// Postings a slice; the last size repeats.
    static let sliceSizes = [2, 8, 32, 128, 512]

    /// One term's postings.
    struct List: Sendable {
        var first: UInt32
        /// The newest slice: where it starts, how many postings it has, and how many slices there are.
        var sliceStart: UInt32 = 0
        var sliceCount: UInt32 = 0
        var slices: UInt32 = 0
        /// Tweets that the term occurs in.
        var documents: UInt32 = 1
    }

    private(set) var lists: [List] = []
    private(set) var postings: [UInt32] = []

    static func posting(_ ordinal: Int, _ position: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: ordinal << 16 | position)
    }

    static func ordinal(_ posting: UInt32) -> Int { Int(posting >> 16) }
    static func position(_ posting: UInt32) -> Int { Int(posting & 0xFFFF) }

    static func size(ofSlice number: Int) -> Int {
        sliceSizes[min(number, sliceSizes.count - 1)]
    }

    /// Where the postings of a slice begin: behind its link, if it has one.
    static func firstSlot(ofSlice number: Int, at start: Int) -> Int {
        number == 0 ? start : start + 1
    }

    mutating func appendList(_ posting: UInt32) {
        lists.append(List(first: posting))
    }

    /// Adds a posting above all of the list's. A repetition of the last one changes nothing.
    mutating func append(_ posting: UInt32, to row: Int) {
        let newest = newest(of: row)
        guard posting != newest else { return }
        if Self.ordinal(posting) != Self.ordinal(newest) { lists[row].documents += 1 }
        if lists[row].slices == 0 || Int(lists[row].sliceCount) == Self.size(ofSlice: Int(lists[row].slices) - 1) {
            addSlice(to: row)
        }
        let list = lists[row]
        let start = Self.firstSlot(ofSlice: Int(list.slices) - 1, at: Int(list.sliceStart))
        postings[start + Int(list.sliceCount)] = posting
        lists[row].sliceCount += 1
    }

    private func newest(of row: Int) -> UInt32 {
        let list = lists[row]
        guard list.slices > 0 else { return list.first }
        let start = Self.firstSlot(ofSlice: Int(list.slices) - 1, at: Int(list.sliceStart))
        return postings[start + Int(list.sliceCount) - 1]
    }

    private mutating func addSlice(to row: Int) {
        let start = UInt32(postings.count)
        let number = Int(lists[row].slices)
        if number > 0 { postings.append(lists[row].sliceStart) }
        postings.append(contentsOf: repeatElement(0, count: Self.size(ofSlice: number)))
        lists[row].sliceStart = start
        lists[row].sliceCount = 0
        lists[row].slices += 1
    }

    var heapBytes: Int { lists.capacity * MemoryLayout<List>.stride + postings.capacity * 4 }
}
