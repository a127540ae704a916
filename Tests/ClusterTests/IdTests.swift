import Testing

@testable import Cluster

@Suite struct IdTests {
    @Test func eachPartOfAnIdComesBack() {
        let id = Id(unixMs: Id.epochMs + 123_456_789, partition: PartitionId(16_383), sequence: 255)
        #expect(id.unixMs == Id.epochMs + 123_456_789)
        #expect(id.partition == PartitionId(16_383))
        #expect(id.sequence == 255)
        #expect(id.rawValue == 123_456_789 << 22 | 16_383 << 8 | 255)
    }

    @Test func theEpochIsNewYear2026() {
        // 56 years after 1970, 14 of them leap years.
        #expect(Id.epochMs == (56 * 365 + 14) * 86_400_000)
        #expect(Id(unixMs: Id.epochMs, partition: PartitionId(0), sequence: 0).rawValue == 0)
    }

    @Test func theLastIdOfAllIsPositiveAsASignedNumber() {
        let last = Id(
            unixMs: Id.epochMs + Id.maximumOffsetMs, partition: PartitionId(16_383), sequence: 255)
        #expect(last.rawValue == UInt64(Int64.max))
    }

    @Test func idsSortByTimeBeforePartition() {
        let early = Id(unixMs: Id.epochMs + 1, partition: PartitionId(9000), sequence: 255)
        let late = Id(unixMs: Id.epochMs + 2, partition: PartitionId(0), sequence: 0)
        #expect(early < late)
    }

    @Test func textIsADecimalNumber() {
        let id = Id(unixMs: Id.epochMs + 1, partition: PartitionId(1), sequence: 1)
        #expect(id.description == "4194561")
        #expect(Id("4194561") == id)
    }

    @Test(arguments: ["", "+5", "-5", "05", "5 ", "0x5", "five", "9223372036854775808", "99999999999999999999"])
    func anythingElseIsNoId(text: String) {
        #expect(Id(text) == nil)
    }

    @Test func aMemberTakesAnIdThatIsASecondAheadAndNotMore() {
        let id = Id(unixMs: Id.epochMs + 5000, partition: PartitionId(0), sequence: 0)
        #expect(!id.isTooFarAhead(ofMs: Id.epochMs + 4000))
        #expect(id.isTooFarAhead(ofMs: Id.epochMs + 3999))
        #expect(!id.isTooFarAhead(ofMs: Id.epochMs + 9000))
    }
}
