import Testing
import TweetText

/// Rules that one would not guess, each with the shortest text that shows it.
@Suite struct ExtractorTests {
    @Test func entitiesComeInOrderWithTheirPlaces() throws {
        let text = "😀 #tag by @bob/friends: $TWTR at https://example.com/#x and @eve"
        let entities = Extractor.entities(in: text)
        #expect(entities.map(\.kind) == [.hashtag, .list, .cashtag, .url, .mention])
        #expect(entities.map(\.text) == ["tag", "bob", "TWTR", "https://example.com/#x", "eve"])
        #expect(entities.map(\.listSlug) == ["", "/friends", "", "", ""])
        // An emoji is one code point and two UTF-16 code units.
        let tag = try #require(entities.first)
        #expect(tag.range == 2..<6)
        #expect(tag.utf16Range == 3..<7)
    }

    @Test func ofTwoThatOverlapTheFirstStays() {
        #expect(kinds("https://example.com/@bob") == [.url])
        #expect(kinds("@bob.example.com") == [.mention])
        // A full-width sign is no part of an address, but may stand in a domain.
        #expect(kinds(" ＃example.com") == [.hashtag])
        #expect(Extractor.mentions(in: "https://example.com/@bob").map(\.text) == ["bob"])
        #expect(Extractor.hashtags(in: "https://example.com/#tag #other").map(\.text) == ["other"])
    }

    @Test func aMatchUsesUpItsText() {
        // The first tag is not one, as another follows at once; the second has nothing before it that is not a tag's.
        #expect(Extractor.hashtags(in: "#one#two").isEmpty)
        #expect(Extractor.hashtags(in: "##two").map(\.text) == ["two"])
        // A variation selector may stand before a tag, but here it is the end of one.
        #expect(Extractor.hashtags(in: "#one\u{FE0F}#two").isEmpty)
        #expect(Extractor.mentionsAndLists(in: "@bob/a-@eve").isEmpty)
    }

    @Test func namesEndWhereTheyAreFull() {
        let name = String(repeating: "n", count: 20)
        #expect(Extractor.mentions(in: "@\(name)x").map(\.text) == [name])
        let slug = "/" + String(repeating: "s", count: 25)
        #expect(Extractor.mentionsAndLists(in: "@bob\(slug)s").map(\.listSlug) == [slug])
    }

    @Test(arguments: ["RT@bob", "a rt@bob", "(RT@bob", "RT:@bob", "(＠bob", "-@bob", "の@bob"])
    func mentionsBehind(_ text: String) { #expect(Extractor.mentions(in: text).map(\.text) == ["bob"]) }

    @Test(arguments: ["aRT@bob", "+rt@bob", "-RT@bob", "a@bob", "_@bob", "&@bob", "*@bob", "＠@bob", "@bob@", "@bobé"])
    func noMentionsIn(_ text: String) { #expect(Extractor.mentions(in: text).isEmpty) }

    @Test func aReplyBeginsWithItsMention() {
        #expect(Extractor.replyScreenName(in: "\u{200E}\n @bob hi") == "bob")
        #expect(Extractor.replyScreenName(in: "hi\n@bob") == nil)
        #expect(Extractor.replyScreenName(in: "@bob@example.com") == nil)
        #expect(Extractor.replyScreenName(in: "") == nil)
    }

    @Test func cashtagsEndWithAWholeSuffixOrNone() {
        #expect(Extractor.cashtags(in: "$ABCDEF.GH $AB_C $AB.CDE").map(\.text) == ["ABCDEF.GH", "AB_C", "AB"])
        #expect(Extractor.cashtags(in: "$ABCDEFG $AB1 ($AB $AB日").isEmpty)
    }

    @Test func aKeycapIsNoHashtag() {
        #expect(Extractor.hashtags(in: "#\u{20E3}a #\u{FE0F}\u{20E3}a").isEmpty)
    }

    @Test func pathsEndAtWhatMayEndThem() {
        #expect(urls("http://a.com/b_(c_(d))!") == ["http://a.com/b_(c_(d))"])
        #expect(urls("(http://a.com/b)") == ["http://a.com/b"])
        #expect(urls("http://a.com/b(c()) http://a.com/()") == ["http://a.com/b", "http://a.com/"])
        #expect(urls("http://a.com/((((") == ["http://a.com/"])
        #expect(urls("http://a.com:80?q=(1).") == ["http://a.com:80?q=(1"])
        #expect(urls("http://a.com/?,.!") == ["http://a.com/"])
    }

    @Test func domainsReachToTheLastTopLevelDomain() {
        #expect(urls("http://a.com.b_c.net.x1") == ["http://a.com"])
        #expect(urls("http://b_c.net") == [])
        #expect(urls("http://b_c.d.net") == ["http://b_c.d.net"])
        #expect(urls("http://a.COM.РФ/") == ["http://a.COM.РФ/"])
        #expect(urls("http://a.xn--p1ai/") == ["http://a.xn--p1ai/"])
        #expect(urls("http://a.com+b http://a.com@b") == [])
    }

    @Test func withoutProtocolOnlyASCIIDomainsCount() {
        #expect(urls("日本.com") == [])
        #expect(urls("見a.com本b.co.jp/c") == ["a.com", "b.co.jp/c"])
        #expect(urls("a.com?q=1") == ["a.com"])
        #expect(urls("/a.com .b.com _c.com d.com") == ["d.com"])
    }

    /// At the start of a text a letter that may stand before an address is taken to stand before it.
    @Test func anAccentAtTheVeryStartIsNotOfTheAddress() {
        #expect(urls("ÉLAN.com") == ["LAN.com"])
        #expect(urls(" ÉLAN.com") == ["ÉLAN.com"])
        #expect(urls("é.com") == ["é.com"])
    }

    @Test func shortenedAddressesHaveASlugAndAQuery() {
        let slug = String(repeating: "s", count: 40)
        #expect(urls("https://t.co/\(slug)/x?y=1") == ["https://t.co/\(slug)"])
        #expect(urls("https://T.CO/\(slug)?y=1#z.") == ["https://T.CO/\(slug)?y=1#z"])
        #expect(urls("https://t.co/\(slug)s") == [])
        #expect(urls("t.co/\(slug)s") == ["t.co/\(slug)s"])
    }

    @Test func addressesEndAt4096CodePoints() {
        let path = String(repeating: "p", count: 4096 - "https://example.com/".count)
        #expect(urls("https://example.com/\(path)").count == 1)
        #expect(urls("https://example.com/\(path)p").isEmpty)
        #expect(urls("example.com/\(path)").count == 1)
        #expect(urls("example.com/\(path)p").isEmpty)
    }

    private func kinds(_ text: String) -> [Entity.Kind] { Extractor.entities(in: text).map(\.kind) }

    private func urls(_ text: String) -> [String] { Extractor.urls(in: text).map(\.text) }
}
