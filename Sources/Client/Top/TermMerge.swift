/// Adds up what several owners say of the same words. Unlike `TopMerge` has it, a word is counted by every owner, and
/// one that an owner does not list may still have there as much as that owner's bound. Pure.
/// (Agarwal, Cormode, Huang, Phillips, Wei, Yi: Mergeable Summaries, 2012.)
///
/// One round: each owner is asked for many more words than are shown, since what it leaves out costs every word that
/// it does not list a bound's worth of error.
struct TermMerge: Sendable {
    struct Item: Equatable, Sendable {
        var term: String
        /// The true count is in (count − error) ... count.
        var count: Int64
        var error: UInt64 = 0
    }

    /// What one owner counted.
    struct Page: Sendable {
        /// Each word once.
        var items: [Item]
        /// No other word has more there.
        var bound: Int64
    }

    /// Largest count first, equal counts by ascending word.
    let items: [Item]
    /// No other word has more in all owners together.
    let bound: Int64

    init(_ pages: [Page], k: Int) {
        let anywhere = pages.reduce(0) { $0 + $1.bound }
        let sums = Self.sums(pages, anywhere: anywhere)
        let sorted = sums.map { Item(term: $0, count: $1.count, error: UInt64(max(0, $1.count - $1.certain))) }
            .sorted { ($1.count, $0.term) < ($0.count, $1.term) }
        items = Array(sorted.prefix(k))
        bound = max(anywhere, sorted.count > items.count ? sorted[items.count].count : 0)
    }

    private struct Sum {
        /// At first as though no owner listed the word.
        var count: Int64
        var certain: Int64 = 0
    }

    private static func sums(_ pages: [Page], anywhere: Int64) -> [String: Sum] {
        var sums: [String: Sum] = [:]
        for page in pages {
            for item in page.items {
                var sum = sums[item.term] ?? Sum(count: anywhere)
                sum.count += item.count - page.bound
                sum.certain += item.count - Int64(item.error)
                sums[item.term] = sum
            }
        }
        return sums
    }
}
