import Testing

@testable import Cluster

@Suite struct PartitioningTests {
    /// Each test requires it, so a failure to make it is one of the test.
    private let three = try? Partitioning(count: 64, regionNames: ["eu", "us", "asia"])

    @Test func regionsGetContiguousRangesThatDifferByOneAtMost() throws {
        let partitioning = try #require(three)
        #expect(
            partitioning.regions == [
                RegionRange(name: "eu", first: 0, count: 22), RegionRange(name: "us", first: 22, count: 21),
                RegionRange(name: "asia", first: 43, count: 21),
            ])
        #expect(partitioning.region(of: PartitionId(21))?.name == "eu")
        #expect(partitioning.region(of: PartitionId(22))?.name == "us")
        #expect(partitioning.region(of: PartitionId(63))?.name == "asia")
        #expect(partitioning.region(of: PartitionId(64)) == nil)
        #expect(!partitioning.contains(PartitionId(64)))
        #expect(partitioning.region(named: "us")?.partitions.first == PartitionId(22))
    }

    @Test func numbersThatMakeNoPartitioningAreRefused() {
        for count in [-1, 0, 3, 63, 32_768] {
            #expect(throws: PartitioningError.count(count)) { try Partitioning(count: count, regionNames: ["a"]) }
        }
        #expect(throws: PartitioningError.noRegion) { try Partitioning(count: 2, regionNames: []) }
        #expect(throws: PartitioningError.moreRegionsThanPartitions(regions: 3, partitions: 2)) {
            try Partitioning(count: 2, regionNames: ["a", "b", "c"])
        }
        #expect(throws: PartitioningError.duplicateRegion("a")) { try Partitioning(count: 2, regionNames: ["a", "a"]) }
    }

    @Test func rangesFromOutsideMustCoverEachPartitionOnce() throws {
        let good = [RegionRange(name: "a", first: 0, count: 3), RegionRange(name: "b", first: 3, count: 1)]
        #expect(try Partitioning(count: 4, regions: good).regions == good)
        for (first, count) in [(2, 1), (4, 1), (3, 2), (3, 0)] as [(UInt16, UInt16)] {
            let bad = [good[0], RegionRange(name: "b", first: first, count: count)]
            #expect(throws: PartitioningError.ranges) { try Partitioning(count: 4, regions: bad) }
        }
    }

    /// Worked out with the xxHash library alone. Stored rows lie where these say: a change here loses every username.
    @Test(arguments: [
        ("alice", 48, 5808), ("bob", 37, 14_565), ("u12", 12, 15_692), ("a_very_long_one", 10, 12_746),
        ("swift", 36, 8548), ("", 2, 5314),
    ])
    func namesStayInTheirPartitions(name: String, of64: UInt16, of16384: UInt16) throws {
        #expect(try Partitioning(count: 64, regionNames: ["a"]).partition(ofName: name) == PartitionId(of64))
        #expect(try Partitioning(count: 16_384, regionNames: ["a"]).partition(ofName: name) == PartitionId(of16384))
    }

    @Test func homesAreInTheRegionAndStayThere() throws {
        let partitioning = try #require(three)
        let us = try #require(partitioning.region(named: "us"))
        let request = RequestId(timeMs: 1_800_000_000_000, random: 42)
        #expect(partitioning.homePartition(request: request, region: us) == PartitionId(24))
        #expect(partitioning.regionHome(of: Id(rawValue: 4_194_561), region: us) == PartitionId(42))
        for number in 0..<1000 as Range<UInt64> {
            #expect(us.contains(partitioning.homePartition(request: request.derived(number), region: us)))
            #expect(us.contains(partitioning.regionHome(of: Id(rawValue: number), region: us)))
        }
    }

    @Test func usersSpreadOverARegionsPartitions() throws {
        let partitioning = try #require(three)
        let us = try #require(partitioning.region(named: "us"))
        var counts: [PartitionId: Int] = [:]
        for number in 0..<21_000 as Range<UInt64> {
            counts[partitioning.homePartition(request: RequestId(timeMs: 1, random: number), region: us), default: 0] +=
                1
        }
        // 1,000 each on average; six standard deviations are 190.
        #expect(counts.count == 21 && counts.values.allSatisfy { (800...1200).contains($0) })
    }
}
