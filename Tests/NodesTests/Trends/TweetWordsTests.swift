import Messages
import Testing

@testable import Nodes

@Suite struct TweetWordsTests {
    private func words(_ text: String) -> [String] {
        var row = TweetRow.with { $0.text = text }
        TweetEntities.describe(&row)
        return TweetWords.of(row)
    }

    @Test func eachWordIsThereOnceAndFolded() {
        #expect(words("Rook rook ＲＯＯＫ, and the Straße: STRASSE!") == ["rook", "and", "the", "strasse"])
        #expect(words("") == [])
    }

    /// Where entities stand is told in code points, and so is where words come from.
    @Test func whatIsNamedIsNoWord() {
        #expect(
            words("😀é #crow rook @raven/list jay www.example.com/a_b $KO pie #crow2") == ["é", "rook", "jay", "pie"])
        #expect(words("#one#two three") == ["one", "two", "three"], "twitter-text sees no hashtags here")
        #expect(words("rook (http://example.com).jay") == ["rook", "jay"])
    }
}
