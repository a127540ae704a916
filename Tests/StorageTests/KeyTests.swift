import Storage
import Testing

@Suite struct KeyTests {
    @Test func fieldsStandBigEndianBehindThePartition() {
        let key = Key(partition: 0x0102).appending(UInt8(3)).appending(UInt16(4)).appending(UInt32(5))
            .appending(UInt64(6)).appending(descending: 7).appending(bytes("x"))
        let numbers: [UInt8] = [1, 2, 3, 0, 4, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6]
        #expect(key.bytes == numbers + [UInt8](repeating: 255, count: 7) + [248] + bytes("x"))
    }

    @Test func readingTakesApartWhatBuildingPutTogether() throws {
        let key = Key(partition: 9).appending(UInt8(3)).appending(UInt32(5)).appending(UInt64(6)).appending(
            descending: 7
        )
        .appending(bytes("name"))
        try key.bytes.withUnsafeBytes { try expectParts(KeyReader($0)) }
    }

    private func expectParts(_ whole: KeyReader) throws {
        var reader = whole
        let fixed = [UInt64(try reader.uint16()), UInt64(try reader.uint8()), UInt64(try reader.uint32())]
        #expect(fixed == [9, 3, 5])
        let long = [try reader.uint64(), try reader.descendingUInt64()]
        #expect(long == [6, 7])
        let text = try reader.bytes(2)
        #expect(text == bytes("na"))
        #expect(throws: StorageError.self) { try reader.uint32() }
        let rest = reader.remaining()
        #expect(rest == bytes("me") && reader.isAtEnd)
    }

    @Test func aPrefixEndsBehindAllThatBeginsWithIt() {
        #expect(prefixEnd([1, 2]) == [1, 3])
        #expect(prefixEnd([1, 255, 255]) == [2])
        #expect(prefixEnd([255]) == [])
        #expect(prefixEnd([]) == [])
        #expect(Key(partition: 0x01ff).prefixEnd == [2])
    }
}
