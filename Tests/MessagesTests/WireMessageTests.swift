import Messages
import Testing

@Suite struct WireMessageTests {
    @Test func everyKindOfFieldSurvivesTheRoundTrip() throws {
        let row = TweetRow.with {
            $0.id = .max
            $0.author = "ada"
            $0.text = "naïve 🐦 with a \0 in the middle"
            $0.access = .accessProtected
            $0.hashtags = ["one", "två"]
            $0.deleted = true
        }
        #expect(try TweetRow.decode(row.encode()) == row)

        let entry = LogEntry.with {
            $0.epoch = 3
            $0.requests = [
                .with {
                    $0.requestId = [1, 0, 2]; $0.answer = []
                }
            ]
            $0.events = [
                .with {
                    $0.destination = 9; $0.kind = EventKind.eventEdgeAdded.rawValue; $0.body = [0, 0]
                }
            ]
        }
        #expect(try LogEntry.decode(entry.encode()) == entry)

        let sum = PartitionSum.with {
            $0.sums = .with {
                $0.likes = -4; $0.retweets = .min
            }
        }
        #expect(try PartitionSum.decode(sum.encode()) == sum)
    }

    @Test func anEmptyMessageIsNoBytes() throws {
        #expect(TweetRow().encode().isEmpty)
        #expect(try TweetRow.decode([]) == TweetRow())
    }

    @Test func aFieldFromTheFutureIsPassedOver() throws {
        // Field 1000, varint 5, behind a known field.
        let bytes = TweetRequest.with { $0.id = 7 }.encode() + [0xc0, 0x3e, 0x05]
        #expect(try TweetRequest.decode(bytes).id == 7)
    }

    @Test func malformedBytesAreRefused() {
        #expect(throws: DecodingFailure.malformed(message: "TweetRequest")) { try TweetRequest.decode([0x08]) }
        #expect(throws: DecodingFailure.malformed(message: "TweetRow")) { try TweetRow.decode([0x22, 0x7f, 1]) }
    }

    @Test func textMustBeUTF8() {
        #expect(throws: DecodingFailure.invalidUTF8(field: "text")) {
            try PostRequest.decode([0x0a, 2, 0xc3, 0x28])
        }
    }

    @Test func tinySubmessagesCannotAmplifyWithoutBound() {
        // Two bytes each on the wire, a whole struct each in memory.
        let bomb = [UInt8](repeating: 0, count: 200_000).enumerated().map { $0.offset % 2 == 0 ? UInt8(0x5a) : 0 }
        #expect(throws: DecodingFailure.tooLarge(message: "NodeStatusReply")) { try NodeStatusReply.decode(bomb) }
    }

    /// The view that skips Swift values reads and writes what they do, and its memory is used again.
    @Test func aMessageCanBeReadAndWrittenWhereItLies() throws {
        let scratch = Scratch()
        for size in [0, 1, 30, 127, 128, 70_000, 5] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            let encoded = Echo.with { $0.payload = payload }.encode()
            let copy = try encoded.withUnsafeBytes { bytes in
                try EchoView.read(bytes, in: scratch) { view in
                    [UInt8](unsafeUninitializedCapacity: EchoView.packedSize(view.payload)) { target, count in
                        count = EchoView.pack(view.payload, into: UnsafeMutableRawBufferPointer(target))
                    }
                }
            }
            #expect(copy == encoded, "\(size) bytes")
        }
        #expect(throws: DecodingFailure.malformed(message: "Echo")) {
            try [UInt8]([0x0A, 9, 1]).withUnsafeBytes { bytes in
                try EchoView.read(bytes, in: scratch) { _ in }
            }
        }
    }
}
