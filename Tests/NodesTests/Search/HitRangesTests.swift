import Testing

@testable import Nodes

@Suite struct HitRangesTests {
    /// A query, a text, and what of the text is shown as hit.
    private static let golden: [(String, String, [String])] = [
        ("sun", "Sun and SUNNY sun", ["Sun", "sun"]),
        ("sun -moon", "sun moon", ["sun"]),
        ("-(-sun moon)", "sun moon", ["sun"]),
        ("a OR \"b c\"", "a, b; C b", ["a", "b; C"]),
        ("\"a a\"", "a a a b", ["a a a"]),
        ("#tag", "tag #Tag ＃TAG", ["#Tag", "＃TAG"]),
        ("#tag", "http://a.com/#tag and#tag", []),
        ("$BRK.A $x", "buy $BRK.A, $X.", ["$BRK.A", "$X"]),
        ("#col·lecció", "la #Col·lecció: #collecció", ["#Col·lecció", "#collecció"]),
        ("#セーラー・ムーン", "これ #セーラー・ムーン だ", ["#セーラー・ムーン"]),
        ("tag #tag", "tag #Tag", ["tag", "#Tag"]),
        ("@alice $aapl", "hi @Alice: buy $AAPL aapl", ["@Alice", "$AAPL"]),
        ("from:alice filter:links lang:en min_likes:1", "alice links en 1", []),
        ("strasse", "die 👩‍👩‍👧 Straße", ["Straße"]),
        ("café", "a cafe\u{301}!", ["cafe\u{301}"]),
        ("fine", "ﬁne", ["ﬁne"]),
        ("2", "½ x²", ["½"]),
        ("sun", "", []),
    ]

    @Test(arguments: golden)
    func hitsAreShownAsTheyWereWritten(_ query: String, _ text: String, _ shown: [String]) throws {
        let scalars = Array(text.unicodeScalars)
        let hits = HitRanges(try SearchQuery(parsing: query)).ranges(in: text).map { range in
            var hit = String.UnicodeScalarView()
            hit.append(contentsOf: scalars[range])
            return String(hit)
        }
        #expect(hits == shown)
    }
}
