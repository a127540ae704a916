import Testing

@testable import Nodes

/// The index against a model that looks at every tweet.
@Suite struct SearchPropertyTests {
    @Test(arguments: [1, 3], [1, 7, 64])
    func everyQueryFindsWhatTheModelFinds(partitions: Int, segmentCapacity: Int) throws {
        let seed = Seed.fresh()
        var world = SearchWorld(seed: seed, partitions: partitions, segmentCapacity: segmentCapacity)
        for round in 0..<20 {
            world.live(steps: 15)
            for _ in 0..<25 {
                let query = world.random.query(depth: 2 + world.random.below(4))
                let page = try world.page(query, limit: .max)
                #expect(page.ids == world.expected(query), "\(query), round \(round), ROOKERY_SEED=\(seed)")
                #expect(page.isExhausted && page.examinedTo == 0)
            }
        }
    }

    @Test func aRangeIsWhatItSays() throws {
        let seed = Seed.fresh()
        var world = SearchWorld(seed: seed, partitions: 2, segmentCapacity: 16)
        world.live(steps: 200)
        let ids = world.model.tweets.map(\.id)
        for _ in 0..<400 {
            let ends = [world.random.pick(ids), world.random.pick(ids) + UInt64(world.random.below(2))].sorted()
            let range = ends[0]..<ends[1]
            let query = world.random.query(depth: 2)
            let page = try world.page(query, limit: .max, in: range)
            #expect(page.ids == world.expected(query, in: range), "\(query) in \(range), ROOKERY_SEED=\(seed)")
        }
    }

    /// Pages, each from the end of the one before, while tweets come, segments are sealed and stored, and tweets go.
    @Test func pagesLeaveNoGapAndNoDouble() throws {
        let seed = Seed.fresh()
        var world = SearchWorld(seed: seed, partitions: 3, segmentCapacity: 16)
        world.live(steps: 200)
        for _ in 0..<20 {
            let query = world.random.query(depth: 2)
            let begun = world.expected(query)
            let deletedBefore = world.deleted
            var seen: [UInt64] = []
            var below = SearchPlan.allIds.upperBound
            while true {
                let page = try world.page(
                    query, limit: 1 + world.random.below(12), budget: world.random.below(60),
                    steps: world.random.below(90), in: 0..<below)
                seen += page.ids
                if page.isExhausted { break }
                #expect(page.examinedTo < below, "a page ends below the one before; ROOKERY_SEED=\(seed)")
                below = page.examinedTo
                world.live(steps: world.random.below(2))
            }
            // What came or went while the pages were read may or may not be seen.
            let gone = world.deleted.subtracting(deletedBefore)
            let kept = begun.filter { !gone.contains($0) }
            #expect(seen == seen.sorted(by: >) && Set(seen).count == seen.count, "\(query), ROOKERY_SEED=\(seed)")
            #expect(Set(seen).isSuperset(of: kept), "\(query), ROOKERY_SEED=\(seed)")
            #expect(Set(seen).isSubset(of: begun), "\(query), ROOKERY_SEED=\(seed)")
        }
    }

    @Test func aSearchKeepsTheMomentThatItBeganIn() throws {
        var world = SearchWorld(seed: 7, partitions: 1, segmentCapacity: 8)
        world.live(steps: 20)
        let everything = SearchPlan(.since(try #require(CalendarDay("2000-01-01"))))
        let before = world.indexes[0]
        let expected = world.model.tweets.map(\.id).sorted(by: >)
        world.live(steps: 40)
        let stream = before.candidates(everything, source: world.blocks, likes: SearchModel.likes)
        let page = try MergedSearch([stream], range: SearchPlan.allIds).page(limit: .max, budget: .max) { _ in true }
        #expect(page.ids == expected)
    }

    @Test func theTailReplayedOverStoredBlocksAddsNothingTwice() throws {
        var world = SearchWorld(seed: 8, partitions: 1, segmentCapacity: 8)
        for _ in 0..<30 { world.add() }
        while !world.indexes[0].sealed.isEmpty { world.storeOldest(of: 0) }
        var again = PartitionIndex(segmentCapacity: 8, blocks: world.indexes[0].blocks)
        let added = world.model.tweets.filter { again.add($0) }
        #expect(added.count == 30 % 8)
        world.indexes[0] = again
        let query = SearchQuery.not(.word("nothing"))
        #expect(try world.page(query, limit: .max).ids == world.model.ids(query))
    }
}
