import Testing

@testable import Nodes

/// What a search does not read.
@Suite struct SearchLazinessTests {
    /// Ten blocks of ten tweets; tweet *n* says `common`, `w<n>` and, in every block's newest, `rare`.
    private static func world(partitions: Int = 1) -> SearchWorld {
        var world = SearchWorld(seed: 1, partitions: partitions, segmentCapacity: 10)
        for number in 0..<100 {
            for partition in 0..<partitions {
                let text = "common w\(number)" + (number % 10 == 9 ? " rare" : "") + (number == 15 ? " unique" : "")
                let ms = UInt64(number) * 8_640_000 + UInt64(partition)
                world.indexes[partition].add(
                    IndexedTweet(id: ms << 22 | UInt64(partition) << 8, text: text, author: "a"))
                world.storeOldest(of: partition)
            }
        }
        return world
    }

    private static func query(_ text: String) throws -> SearchQuery { try SearchQuery(parsing: text) }

    @Test func onlyTheNewestBlocksAreOpened() throws {
        let world = Self.world()
        #expect(try world.page(Self.query("common"), limit: 15).ids.count == 15)
        #expect(world.blocks.chunksRead.count == 2)
        #expect(world.blocks.headersRead.count == 2)
    }

    @Test func olderBlocksWaitForTheOtherPartitions() throws {
        let world = Self.world(partitions: 4)
        #expect(try world.page(Self.query("common"), limit: 35).ids.count == 35)
        #expect(world.blocks.chunksRead.count == 4)
        world.blocks.forgetReads()
        #expect(try world.page(Self.query("common"), limit: 41).ids.count == 41)
        // One partition stands on its second block; of the others only where it begins is known.
        #expect(world.blocks.chunksRead.count == 5)
    }

    @Test func aRareTermIsLookedUpOnlyWhereItMayBe() throws {
        let world = Self.world()
        #expect(try world.page(Self.query("unique"), limit: 10).ids.count == 1)
        #expect(world.blocks.chunksRead.count == 1)
        #expect(world.blocks.headersRead.count == 1)
    }

    @Test func anAbsentTermEndsAnAnd() throws {
        let world = Self.world()
        #expect(try world.page(Self.query("common nowhere"), limit: 10).ids.isEmpty)
        #expect(try world.page(Self.query("\"common nowhere\""), limit: 10).ids.isEmpty)
        #expect(try world.page(Self.query("common (nowhere OR never)"), limit: 10).ids.isEmpty)
        #expect((world.blocks.chunksRead.count, world.blocks.headersRead.count) == (0, 0))
        // Both words of one block of ten.
        #expect(try world.page(Self.query("common unique"), limit: 10).ids.count == 1)
        #expect(world.blocks.chunksRead.count == 2)
    }

    @Test func aTimeWithinAnOrIsHeededBlockByBlock() throws {
        let world = Self.world()
        let query = try Self.query("(common since:2026-01-09) OR (w3 until:2026-01-02)")
        #expect(try world.page(query, limit: 100).ids.count == 21)
        #expect(world.blocks.chunksRead.count == 3)
    }

    @Test func segmentsAboveThePageAreNotOpened() throws {
        var world = SearchWorld(seed: 2, partitions: 1, segmentCapacity: 10)
        for _ in 0..<100 { world.add() }
        let range = 0..<world.model.tweets[20].id
        let page = try world.page(Self.query("-nothing"), limit: 100, in: range)
        // Two segments, and the tweets in them.
        #expect(page.ids.count == 20 && page.examined == 22)
    }

    @Test func wordsThatNeverMeetReadNoIds() throws {
        let world = Self.world()
        #expect(try world.page(Self.query("w15 w16"), limit: 10).ids.isEmpty)
        #expect(world.blocks.headersRead.isEmpty)
    }

    @Test func daysOutsideOpenNothing() throws {
        let world = Self.world()
        // Ten tweets a day, a block a day: the block of January 3rd and no other.
        let page = try world.page(Self.query("common since:2026-01-03 until:2026-01-04"), limit: 100)
        #expect(page.ids.count == 10 && page.isExhausted)
        #expect(world.blocks.chunksRead.count == 1)
        world.blocks.forgetReads()
        #expect(try world.page(Self.query("common since:2027-01-01"), limit: 100).isExhausted)
        #expect(try world.page(Self.query("common until:2020-01-01"), limit: 100).isExhausted)
        #expect(
            try world.page(Self.query("(common until:2026-01-02) OR (rare until:2026-01-02)"), limit: 9).isExhausted
                == false)
        #expect(world.blocks.chunksRead.count <= 2)
    }

    @Test func likesAreAskedLastAndOnlyForCandidates() throws {
        let world = Self.world()
        let plan = SearchPlan(try Self.query("min_likes:1 rare -w99 \"common w89\""))
        var asked: [UInt64] = []
        let stream = world.indexes[0].candidates(plan, source: world.blocks) { id in
            asked.append(id)
            return 1
        }
        let page = try MergedSearch([stream], range: SearchPlan.allIds).page(limit: 10, budget: .max) { _ in true }
        #expect(page.ids.count == 1)
        #expect(asked == page.ids)
        // Both words are there, but the other way round: nobody's likes need to be known.
        let wrongOrder = SearchPlan(try Self.query("min_likes:1 \"w89 common\""))
        let none = world.indexes[0].candidates(wrongOrder, source: world.blocks) { id in
            asked.append(id)
            return 1
        }
        #expect(try MergedSearch([none], range: SearchPlan.allIds).page(limit: 9, budget: 99) { _ in true }.ids.isEmpty)
        #expect(asked == page.ids)
    }

    @Test func aBudgetEndsAPageWhereItCanGoOn() throws {
        let world = Self.world(partitions: 3)
        let query = try Self.query("min_likes:1000000 common")
        var below = SearchPlan.allIds.upperBound
        var pages = 0
        while true {
            let page = try world.page(query, limit: 10, budget: 20, in: 0..<below)
            #expect(page.examined <= 20 + 2 * 3)
            pages += 1
            if page.isExhausted { break }
            #expect(page.examinedTo < below)
            below = page.examinedTo
        }
        #expect((15...25).contains(pages), "\(pages) pages")
    }

    /// Words that stand in every block and never together: passing over them is not looking at any, but takes its time.
    @Test func timeEndsAPageWhereItCanGoOn() throws {
        var world = SearchWorld(seed: 1, partitions: 2, segmentCapacity: 10)
        for number in 0..<200 {
            let id = UInt64(number) << 22 | UInt64(number % 2) << 8
            world.indexes[number % 2].add(IndexedTweet(id: id, text: number % 4 < 2 ? "left" : "right", author: "a"))
            world.storeOldest(of: number % 2)
        }
        var below = SearchPlan.allIds.upperBound
        var pages = 0
        while true {
            let page = try world.page(Self.query("left right"), limit: 10, budget: 1000, steps: 5, in: 0..<below)
            pages += 1
            if page.isExhausted { break }
            try #require(page.ids.isEmpty && page.examinedTo < below)
            below = page.examinedTo
        }
        #expect((4...25).contains(pages), "\(pages) pages")
    }

    @Test func whatLikesThrowsEndsTheSearch() throws {
        struct Down: Error {}
        let world = Self.world()
        let plan = SearchPlan(try Self.query("min_likes:1"))
        let stream = world.indexes[0].candidates(plan, source: world.blocks) { _ in throw Down() }
        #expect(throws: Down.self) {
            try MergedSearch([stream], range: SearchPlan.allIds).page(limit: 1, budget: 9) { _ in true }
        }
    }
}
