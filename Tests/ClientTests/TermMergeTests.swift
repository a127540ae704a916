import Testing

@testable import Client

@Suite struct TermMergeTests {
    private typealias Item = TermMerge.Item

    @Test func wordsOfSeveralOwnersAreAddedUp() {
        let here = TermMerge.Page(items: [Item(term: "rook", count: 5), Item(term: "jay", count: 2)], bound: 0)
        let there = TermMerge.Page(items: [Item(term: "jay", count: 4), Item(term: "crow", count: 5)], bound: 0)
        let merged = TermMerge([here, there], k: 2)
        #expect(merged.items == [Item(term: "jay", count: 6), Item(term: "crow", count: 5)])
        #expect(merged.bound == 5, "rook did not fit")
        #expect(TermMerge([here, there], k: 3).bound == 0)
    }

    @Test func aWordThatAnOwnerDoesNotListMayHaveItsBoundThere() {
        let here = TermMerge.Page(items: [Item(term: "rook", count: 9, error: 1)], bound: 3)
        let there = TermMerge.Page(items: [Item(term: "jay", count: 4)], bound: 2)
        let merged = TermMerge([here, there], k: 5)
        #expect(merged.items == [Item(term: "rook", count: 11, error: 3), Item(term: "jay", count: 7, error: 3)])
        #expect(merged.bound == 5)
    }

    @Test func nobodyKnowsNothing() {
        #expect(TermMerge([], k: 3).items.isEmpty && TermMerge([], k: 3).bound == 0)
    }

    @Test func anAnswerThatContradictsItselfHurtsNobody() {
        let item = Item(term: "rook", count: 1, error: 1)
        let merged = TermMerge([TermMerge.Page(items: [item, item], bound: 5)], k: 3)
        #expect(merged.items.count == 1 && merged.bound == 5)
    }

    /// Owners that count exactly, and say more or less of it, as vaguely as they are allowed to.
    @Test func boundsAreTrueWhateverOwnersLeaveOut() {
        let seed = Seeded.fresh()
        var random = Seeded(seed)
        for _ in 0..<300 {
            var exact: [String: Int64] = [:]
            let pages = (0..<Int.random(in: 0...5, using: &random)).map { _ in page(adding: &exact, &random) }
            let k = Int.random(in: 0...30, using: &random)
            let merged = TermMerge(pages, k: k)
            #expect(merged.items.count <= k)
            for item in merged.items {
                let range = item.count - Int64(item.error)...item.count
                #expect(range.contains(exact[item.term, default: 0]), "ROOKERY_SEED=\(seed)")
            }
            let listed = Set(merged.items.map(\.term))
            for (term, count) in exact where !listed.contains(term) {
                #expect(count <= merged.bound, "ROOKERY_SEED=\(seed)")
            }
            #expect(merged.items == merged.items.sorted { ($1.count, $0.term) < ($0.count, $1.term) })
        }
    }

    private func page(adding exact: inout [String: Int64], _ random: inout Seeded) -> TermMerge.Page {
        var items: [Item] = []
        var bound: Int64 = 0
        for number in 0..<20 {
            let count = Int64.random(in: 0...30, using: &random)
            exact["word \(number)", default: 0] += count
            if Bool.random(using: &random) {
                let (above, below) = (
                    Int64.random(in: 0...5, using: &random), Int64.random(in: 0...count, using: &random)
                )
                items.append(Item(term: "word \(number)", count: count + above, error: UInt64(above + below)))
            } else {
                bound = max(bound, count + Int64.random(in: 0...2, using: &random))
            }
        }
        return TermMerge.Page(items: items, bound: bound)
    }
}
