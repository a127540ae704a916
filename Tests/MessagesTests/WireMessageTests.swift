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
}
