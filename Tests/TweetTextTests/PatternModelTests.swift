import Testing

@testable import TweetText

/// The scanners against the rules as they are written down.
@Suite struct PatternModelTests {
    @Test func scannersFindWhatThePatternsFind() {
        let model = PatternModel()
        var random = SeededGenerator.printed("scannersFindWhatThePatternsFind")
        for _ in 0..<1_500 {
            let text = RandomTexts.next(&random)
            let points = CodePoints(text)
            let shown = text.debugDescription
            #expect(points.units(HashtagScanner(text: points).ranges()) == model.hashtags(in: text), "\(shown)")
            #expect(points.units(CashtagScanner(text: points).ranges()) == model.cashtags(in: text), "\(shown)")
            let mentions = MentionScanner(text: points).matches().map(\.range)
            #expect(points.units(mentions) == model.mentions(in: text), "\(shown)")
            let urls = URLScanner.matches(in: points).map(\.range)
            #expect(points.units(urls) == model.urls(in: text), "\(shown)")
        }
    }
}

extension CodePoints {
    /// Ranges in order, in UTF-16 code units.
    fileprivate func units(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var ruler = UTF16Ruler(text: self)
        return ranges.map { range in
            let lower = ruler.offset(of: range.lowerBound)
            return lower..<ruler.offset(of: range.upperBound)
        }
    }
}
