/// Tweets that are searched together: a segment in memory, or a stored block. Their ids are those of one partition,
/// and ascend with their ordinals.
protocol SearchUnit {
    var count: Int { get }
    var minId: UInt64 { get }
    var maxId: UInt64 { get }

    /// False when the term surely does not occur; told without I/O.
    func mayHold(_ term: IndexTerm) -> Bool
    /// Nil when the term does not occur.
    func postings(of term: IndexTerm) throws -> (any TermPostings)?
    /// All ids, ascending. A block reads them when they are asked for first.
    func ids() throws -> [UInt64]
}

extension SearchUnit {
    /// How many of the tweets have ids below this one: the ordinal of the first that has not.
    func ordinal(from id: UInt64) throws -> Int {
        if id <= minId { return 0 }
        if id > maxId { return count }
        return try ids().partitioningIndex { $0 >= id }
    }
}

extension RandomAccessCollection {
    /// Where the elements begin that belong behind; those that do not all stand before.
    func partitioningIndex(where belongsBehind: (Element) throws -> Bool) rethrows -> Index {
        var low = startIndex
        var left = count
        while left > 0 {
            let middle = index(low, offsetBy: left / 2)
            if try belongsBehind(self[middle]) {
                left /= 2
            } else {
                low = index(after: middle)
                left -= left / 2 + 1
            }
        }
        return low
    }
}
