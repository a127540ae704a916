import Testing
import TweetText

@Suite struct HitHighlighterTests {
    @Test func theTagCanBeChosen() {
        #expect(
            HitHighlighter(tag: "strong").highlight("test hit here", hits: [5..<8]) == "test <strong>hit</strong> here")
    }

    @Test func hitsAreCountedInCodePoints() {
        #expect(highlight("😀e\u{301}x", [1..<3]) == "😀<em>e\u{301}</em>x")
    }

    @Test func tagsNestWithMarkup() {
        #expect(highlight("a<b>c</b>d", [1..<2]) == "a<b><em>c</em></b>d")
        #expect(highlight("a<b>c</b>d", [0..<2]) == "<em>a<b>c</b></em>d")
        #expect(highlight("a<b>c</b>d", [0..<1]) == "<em>a</em><b>c</b>d")
        #expect(highlight("a<br><br>d", [0..<2]) == "<em>a<br><br>d</em>")
    }

    @Test func hitsThatOverlapAreOne() {
        #expect(highlight("abcdef", [3..<5, 0..<2, 1..<4]) == "<em>abcde</em>f")
        #expect(highlight("abcd", [0..<2, 2..<3]) == "<em>ab</em><em>c</em>d")
    }

    @Test func whatLiesBehindTheEndIsNotHighlighted() {
        #expect(highlight("abc", [2..<9, 12..<14]) == "ab<em>c</em>")
        #expect(highlight("a<b>c</b>", [1..<9]) == "a<b><em>c</em></b>")
        #expect(highlight("", [0..<1]) == "")
    }

    @Test func aBracketThatIsNeverClosedIsText() {
        #expect(highlight("1 < 2", [2..<3]) == "1 <em><</em> 2")
        #expect(highlight("2 > 1", [2..<3]) == "2 <em>></em> 1")
    }

    private func highlight(_ text: String, _ hits: [Range<Int>]) -> String {
        HitHighlighter().highlight(text, hits: hits)
    }
}
