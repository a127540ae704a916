/// Merges the beginnings of several owners' top lists into one, and asks an owner for more only where its bound says
/// that it may hold one of the first `k`. Each key has one owner. Events in, what to do next out; pure.
///
/// The idea is the threshold algorithm's (Fagin, Lotem, Naor: Optimal aggregation algorithms for middleware, 2003):
/// stop as soon as nothing unseen can rank before the k-th of what was seen; and TPUT's (Cao, Wang: Efficient top-k
/// query calculation in distributed networks, 2004) that the number of rounds is fixed. As keys are disjoint there is
/// nothing to add up: one round is mostly enough, three always.
struct TopMerge<Key: Comparable & Sendable, Owner: Hashable & Sendable>: Sendable {
    struct Item: Equatable, Sendable {
        var key: Key
        var count: Int64
        /// The true count is in (count − error) ... count; lists are in the order of `count`.
        var error: UInt64 = 0
    }

    /// The first items of an owner's list: largest count first, equal counts by ascending key.
    struct Page: Sendable {
        var items: [Item]
        /// No other item of this owner counts more than this.
        var bound: Int64
        /// The owner has no others.
        var isComplete: Bool
        /// What is not shown stands after the last item. Not so of several lists that were put together: one of them
        /// may end before another one's last item.
        var isOneList = true
    }

    enum Action: Equatable, Sendable {
        /// Other owners' answers are awaited.
        case wait
        /// Each of these is asked for the first so many items of its list.
        case ask([Owner], first: Int)
        case finish(Outcome)
    }

    struct Outcome: Equatable, Sendable {
        var items: [Item] = []
        /// No other item of those who answered counts more than this.
        var bound: Int64 = 0
        /// Failed: what they hold is not in the list, or only in part.
        var missing: [Owner] = []
        /// Gave fewer items than they were asked for and may hold further ones that belong into the list.
        var unsettled: [Owner] = []
    }

    private let k: Int
    private let owners: [Owner]
    private var pages: [Owner: Page] = [:]
    private var failed: Set<Owner> = []
    private var awaited: Set<Owner> = []
    private var asked = 0
    private var round = 0

    init(k: Int, owners: [Owner]) {
        self.k = max(0, k)
        self.owners = owners
    }

    var ownerCount: Int { owners.count }

    mutating func start() -> Action {
        precondition(round == 0, "a merge starts once")
        return k == 0 ? .finish(Outcome()) : ask(owners)
    }

    /// An answer of one who was asked; it replaces what the owner said before. Others change nothing.
    mutating func received(_ page: Page, from owner: Owner) -> Action {
        guard awaited.remove(owner) != nil else { return .wait }
        pages[owner] = page
        return awaited.isEmpty ? decide() : .wait
    }

    /// It will not answer.
    mutating func failed(_ owner: Owner) -> Action {
        guard awaited.remove(owner) != nil else { return .wait }
        failed.insert(owner)
        return awaited.isEmpty ? decide() : .wait
    }
}

extension TopMerge {
    private mutating func decide() -> Action {
        let all = pages.values.flatMap(\.items).filter { $0.count > 0 }.sorted(by: Self.isBefore)
        let merged = Array(all.prefix(k))
        let last = merged.count == k ? merged.last : nil
        let open = owners.filter { owner in
            pages[owner].map { !failed.contains(owner) && Self.mayHoldMore($0, before: last) } ?? false
        }
        guard open.isEmpty || asked == k else { return ask(open) }
        return .finish(
            Outcome(
                items: merged, bound: bound(behind: merged.count, of: all), missing: owners.filter(failed.contains),
                unsettled: open))
    }

    /// What did not fit counts as much as it does, and what nobody listed at most as much as its owner says.
    private func bound(behind shown: Int, of all: [Item]) -> Int64 {
        let unlisted = pages.values.filter { !$0.isComplete }.map(\.bound).max() ?? 0
        return max(unlisted, all.count > shown ? all[shown].count : 0)
    }

    private mutating func ask(_ owners: [Owner]) -> Action {
        guard !owners.isEmpty else { return .finish(Outcome()) }
        round += 1
        asked = questionLength()
        awaited = Set(owners)
        return .ask(owners, first: asked)
    }

    /// Keys lie with owners by their hash, so the first `k` spread like thrown balls: an owner has k/n of them, and
    /// hardly ever three standard deviations more. Who has is asked for four times as many, and then for all.
    private func questionLength() -> Int {
        switch round {
        case 1:
            let mean = Double(k) / Double(owners.count)
            return min(k, Int((mean + 3 * mean.squareRoot()).rounded(.up)) + 1)
        case 2: return min(k, 4 * asked)
        default: return k
        }
    }

    /// Whether an item that the page does not show may stand before `last`, or with nil be in the list at all.
    private static func mayHoldMore(_ page: Page, before last: Item?) -> Bool {
        guard !page.isComplete, page.bound > 0 else { return false }
        guard let last else { return true }
        // What is not shown stands after the page's last item, which says more than the bound where counts are equal.
        if page.isOneList, let shown = page.items.last, shown.count <= page.bound { return isBefore(shown, last) }
        return page.bound >= last.count
    }

    private static func isBefore(_ a: Item, _ b: Item) -> Bool {
        a.count != b.count ? a.count > b.count : a.key < b.key
    }
}
