import Testing

@testable import Cluster

@Suite struct RequestIdTests {
    @Test func bytesAreBigEndianAndComeBack() {
        let id = RequestId(timeMs: 0x0102_0304_0506_0708, random: 0x1112_1314_1516_1718)
        #expect(id.bytes == [1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18])
        #expect(RequestId(bytes: id.bytes) == id)
    }

    @Test(arguments: [0, 15, 17]) func anotherLengthIsNoRequestId(count: Int) {
        #expect(RequestId(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func bytesSortByTime() {
        let early = RequestId(timeMs: 255, random: .max)
        let late = RequestId(timeMs: 256, random: 0)
        #expect(early.bytes.lexicographicallyPrecedes(late.bytes))
        #expect(early < late)
    }

    @Test func itLivesADay() {
        let id = RequestId(timeMs: 1000, random: 1)
        #expect(!id.isExpired(nowMs: 1000 + 86_400_000))
        #expect(id.isExpired(nowMs: 1001 + 86_400_000))
        #expect(!id.isExpired(nowMs: 0))
    }

    @Test func importKeysDoNotExpireAndAreTheSameAgain() {
        let line = RequestId.permanent(hash: 99, 12)
        #expect(line == RequestId.permanent(hash: 99, 12))
        #expect(line != RequestId.permanent(hash: 99, 13))
        #expect(line != RequestId.permanent(hash: 12, 99))
        #expect(line.isPermanent && !line.isExpired(nowMs: .max))
    }

    @Test func derivedIdsDifferAndExpireWithTheFirst() {
        let id = RequestId(timeMs: 5, random: 6)
        let derived = (0..<100).map { id.derived($0) }
        #expect(Set(derived + [id]).count == 101)
        #expect(derived.allSatisfy { $0.timeMs == 5 })
        #expect(id.derived(3) == derived[3])
    }
}
