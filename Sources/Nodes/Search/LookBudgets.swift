/// How much a node looks at for one answer; the answer says where it stopped. Smaller only in tests.
public struct LookBudgets: Hashable, Sendable {
    /// Postings and rows of tweets, of all partitions together.
    public var tweets = 50_000
    /// Rows of the directory of people, of each partition.
    public var people = 2000
    /// Of the time that a search's caller still gives it: when it is over, the page ends.
    public var timeShare = 0.5

    public init() {}
}
