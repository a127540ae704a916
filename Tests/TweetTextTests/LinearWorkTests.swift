import Foundation
import Testing

@testable import TweetText

/// Nobody can slow a server down with a text: twice the text is twice the work. Work is counted in code points read.
@Suite struct LinearWorkTests {
    /// Bytes: few first, so that quadratic work fails instead of lasting; then as many as the longest text has.
    private static let sizes = [512, 8 * 1024]

    /// Each makes some pattern of twitter-text, or a plain scanner for it, start over again and again.
    private static let repeated = [
        "@", "#", "＃", "$", "#1", "@a", "http://", "https://a", ".", "a.", "-.", "_.", "a_b.", "a_b.com.", "あ", "あ.",
        "あ-",
        "com日.", "日.com", "a.co/(", "a.co/((a)", "a.co?!", "a.co/!", "(", "xn--", "xn--.", "xn--日.", "rt@", "\u{301}",
        "e\u{301}", "😀\u{200D}", "👨\u{200D}", "👨‍👩‍👧‍👦", "1\u{FE0F}", "🇦", "🏴\u{E0067}", "t.co/a", "@a/b-", "\u{FFFF}", "é.",
    ]

    @Test(arguments: repeated)
    func twiceTheTextIsTwiceTheWork(_ piece: String) throws {
        for size in Self.sizes {
            let once = String(repeating: piece, count: size / piece.utf8.count)
            let work = reads(once), twice = reads(once + once)
            try #require(twice <= 2 * work + work / 8 + 200, "\(work) reads, then \(twice)")
            try #require(work <= 60 * once.unicodeScalars.count, "\(work) reads of \(once.unicodeScalars.count)")
        }
    }

    private func reads(_ text: String) -> Int {
        let meter = ReadMeter()
        let points = CodePoints(text, meter: meter)
        _ = Extractor.entities(in: points)
        _ = Weighing(points, rules: .v3)
        return meter.reads
    }

    /// Composing sorts the marks on a letter by insertion: what it is given has to be sorted.
    @Test(arguments: ["\u{301}\u{323}", "\u{F73}", "\u{F81}\u{F75}", "a\u{301}\u{327}\u{316}", "は\u{309A}\u{3099}"])
    func pilesOfMarksAreSortedBeforeTheyAreComposed(_ piece: String) {
        let pile = "e" + String(repeating: piece, count: 8 * 1024 / piece.utf8.count)
        let ordered = pile.canonicallyOrdered
        let classes = ordered.unicodeScalars.map(\.properties.canonicalCombiningClass.rawValue)
        #expect(zip(classes, classes.dropFirst()).allSatisfy { $0 <= $1 || $1 == 0 })
        let decomposed = pile.decomposedStringWithCanonicalMapping
        #expect(ordered.unicodeScalars.sorted() == decomposed.unicodeScalars.sorted(), "the text is another one")
    }
}
