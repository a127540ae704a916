/// The newest tweets of one partition, indexed in memory. A value: a search keeps the copy that it began with.
///
/// All of it is flat arrays, so a copy costs one reference an array until either side writes, and then one copy of a
/// few hundred kilobytes; there is no object a term and none a tweet.
struct MemorySegment: SearchUnit, Sendable {
    /// An ordinal has sixteen bits in a posting, and so has a position.
    static let maxCapacity = 1 << 16
    static let maxPosition = 1 << 16 - 1

    private var allIds: [UInt64] = []
    private(set) var terms = TermTable()
    private(set) var postings = PostingPool()

    var count: Int { allIds.count }
    var isEmpty: Bool { allIds.isEmpty }
    var minId: UInt64 { allIds.first ?? 0 }
    var maxId: UInt64 { allIds.last ?? 0 }

    func ids() -> [UInt64] { allIds }

    /// Adds a tweet. Its id is above all others, and of their partition.
    mutating func add(_ tweet: IndexedTweet) {
        precondition(isEmpty || tweet.id > maxId, "the ids of a segment ascend")
        precondition(isEmpty || BlockIds.partition(of: tweet.id) == BlockIds.partition(of: minId), "another partition")
        precondition(count < MemorySegment.maxCapacity, "the segment is full")
        let ordinal = count
        allIds.append(tweet.id)
        let list = TermList(tweet)
        for entry in list.entries where entry.position <= MemorySegment.maxPosition {
            let posting = PostingPool.posting(ordinal, entry.position)
            let row = terms.intern(list.bytes.span.extracting(entry.bytes))
            if row == postings.lists.count {
                postings.appendList(posting)
            } else {
                postings.append(posting, to: row)
            }
        }
    }

    func mayHold(_ term: IndexTerm) -> Bool { terms.find(term.bytes.span) != nil }

    func postings(of term: IndexTerm) -> (any TermPostings)? {
        terms.find(term.bytes.span).map { MemoryPostings(postings, row: $0) }
    }

    /// Bytes that its arrays hold on the heap, slack included.
    var heapBytes: Int { allIds.capacity * 8 + terms.heapBytes + postings.heapBytes }
}
