import Cluster
import Messages
import Testing

@testable import Client

@Suite("JSON forms")
struct JSONFormTests {
    private let id = Id(unixMs: Id.epochMs + 1_500, partition: PartitionId(3), sequence: 7)

    private func row() -> TweetRow {
        .with {
            $0.id = id.rawValue
            $0.authorId = 42
            $0.author = "ada"
            $0.text = "hello \"world\" / ♥"
            $0.hashtags = ["tag"]
            $0.conversationId = id.rawValue
        }
    }

    @Test("A tweet: snake_case, ids as decimal strings, UTC with milliseconds, null for what it has not")
    func tweet() throws {
        let tweet = try Tweet(
            .with {
                $0.row = row().encode()
                $0.counts = .with { $0.likes = 2 }
            })
        #expect(
            try JSONText.encode(tweet) == """
                {"access":"public","author":"ada","author_id":"42","conversation_id":"\(id)",\
                "counts":{"dislikes":0,"likes":2,"replies":0,"retweets":0,"views":0},\
                "created_at":"2026-01-01T00:00:01.500Z","hashtags":["tag"],"id":"\(id)","in_reply_to":null,\
                "mentions":[],"place":null,"quote_of":null,"retweet_of":null,"text":"hello \\"world\\" / ♥","type":"text"}
                """)
        let bytes = Array(try JSONText.encode(tweet).utf8)
        #expect(try JSONText.decode(Tweet.self, from: bytes) == tweet)
    }

    @Test("A retweet: its own id and author, the original's text and counts")
    func retweet() throws {
        let retweet = TweetRow.with {
            $0.id = id.rawValue + 1
            $0.authorId = 43
            $0.author = "bob"
            $0.retweetOf = id.rawValue
        }
        let tweet = try Tweet(
            .with {
                $0.row = retweet.encode()
                $0.original = row().encode()
                $0.originalCounts = .with { $0.retweets = 1 }
                $0.retweeters = ["bob"]
            })
        #expect(tweet.author == "bob")
        #expect(tweet.originalAuthor == "ada")
        #expect(tweet.text == row().text)
        #expect(tweet.counts.retweets == 1)
        #expect(tweet.retweetOf == id)
        #expect(try JSONText.encode(tweet).contains("\"retweeters\":[\"bob\"]"))
    }

    @Test("A tombstone says so")
    func tombstone() throws {
        let row = TweetRow.with {
            $0.id = id.rawValue
            $0.deleted = true
        }
        #expect(try JSONText.encode(try Tweet(.with { $0.row = row.encode() })).contains("\"deleted\":true"))
    }

    @Test("A page's next is absent on the last page")
    func page() throws {
        #expect(try JSONText.encode(Page(tweets: [], next: nil)) == #"{"tweets":[]}"#)
        #expect(try JSONText.encode(Page(tweets: [], next: "t")) == #"{"next":"t","tweets":[]}"#)
    }

    @Test("Counters by region")
    func counters() throws {
        var counts = Client.TweetCounts()
        counts.likes = 1
        let text = try JSONText.encode(TweetCounters(id: id, world: counts, regions: ["eu": counts]))
        let form = #"{"dislikes":0,"likes":1,"replies":0,"retweets":0,"views":0}"#
        #expect(text == #"{"id":"\#(id)","regions":{"eu":\#(form)},"world":\#(form)}"#)
    }

    @Test(
        "Times as text and back",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_767_225_600_000, "2026-01-01T00:00:00.000Z"), (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        ])
    func timestamps(unixMs: UInt64, text: String) {
        #expect(Timestamp(unixMs: unixMs).description == text)
        #expect(Timestamp(text)?.unixMs == unixMs)
    }

    @Test(
        "What is no time is refused", arguments: ["", "2026-01-01", "2026-13-01T00:00:00.000Z", "2026-01-01T00:00:00Z"])
    func badTimestamps(text: String) { #expect(Timestamp(text) == nil) }
}
