import Foundation
import Testing

@testable import TweetText

/// What holds for every text.
@Suite struct PropertyTests {
    @Test func entitiesLieInTheTextInOrderAndApart() {
        var random = SeededGenerator.printed("entitiesLieInTheTextInOrderAndApart")
        for _ in 0..<5_000 {
            let text = RandomTexts.next(&random)
            let scalars = Array(text.unicodeScalars), units = Array(text.utf16)
            var end = 0
            for entity in Extractor.entities(in: text) {
                #expect(entity.range.lowerBound >= end && entity.range.upperBound <= scalars.count, "\(text)")
                end = entity.range.upperBound
                let piece = String(String.UnicodeScalarView(scalars[entity.range]))
                #expect(piece == String(decoding: units[entity.utf16Range], as: UTF16.self), "\(text)")
                #expect(piece.unicodeScalars.contains { $0 == entity.text.unicodeScalars.first }, "\(text)")
            }
        }
    }

    /// Line ends part texts: nothing reaches over one, and the rules see it as they see an end.
    @Test func aTextWeighsWhatItsLinesWeigh() {
        var random = SeededGenerator.printed("aTextWeighsWhatItsLinesWeigh")
        for _ in 0..<3_000 {
            let one = "\n" + RandomTexts.next(&random), other = "\n" + RandomTexts.next(&random)
            let both = WeighedText(one + other).weightedLength
            #expect(both == WeighedText(one).weightedLength + WeighedText(other).weightedLength, "\(one)\(other)")
        }
    }

    /// Without addresses and emoji a text weighs the sum of its code points in form C.
    @Test func aPlainTextWeighsTheSumOfItsCodePoints() {
        var random = SeededGenerator.printed("aPlainTextWeighsTheSumOfItsCodePoints")
        let alphabet: [Unicode.Scalar] = [
            "a", "Z", " ", "é", "e", "\u{301}", "\u{10FF}", "\u{1100}", "日", "ｈ", "\u{2014}", "\u{2026}",
        ]
        for _ in 0..<2_000 {
            let count = Int.random(in: 1...300, using: &random)
            let text = String(
                String.UnicodeScalarView((0..<count).map { _ in alphabet.randomElement(using: &random)! }))
            let weights = text.precomposedStringWithCanonicalMapping.unicodeScalars.map { scalar in
                scalar.value <= 0x10FF || (0x2010...0x201F).contains(scalar.value) ? 1 : 2
            }
            let weighed = WeighedText(text)
            let length = weights.reduce(0, +)
            #expect(weighed.weightedLength == length, "\(text)")
            #expect(weighed.isValid == (length <= 280 && text.contains { $0 != " " }), "\(text)")
            #expect(weighed.permillage == length * 1000 / 280)
        }
    }

    @Test func rangesOfAWeighedTextLieInIt() {
        var random = SeededGenerator.printed("rangesOfAWeighedTextLieInIt")
        for _ in 0..<3_000 {
            let text = String(repeating: RandomTexts.next(&random), count: Int.random(in: 1...12, using: &random))
            let weighed = WeighedText(text)
            #expect(weighed.displayRange == 0..<text.utf16.count)
            #expect(weighed.validRange.upperBound <= text.utf16.count)
            if weighed.isValid { #expect(weighed.validRange == weighed.displayRange, "\(text)") }
        }
    }

    /// Whatever is extracted is valid by itself.
    @Test func whatIsExtractedIsValid() {
        var random = SeededGenerator.printed("whatIsExtractedIsValid")
        for _ in 0..<3_000 {
            let text = RandomTexts.next(&random)
            for entity in Extractor.hashtags(in: text) {
                #expect(Validator.isValidHashtag("#" + entity.text), "\(text)")
            }
            for entity in Extractor.mentionsAndLists(in: text) {
                let whole = "@" + entity.text + entity.listSlug
                #expect(
                    entity.kind == .list ? Validator.isValidList(whole) : Validator.isValidUsername(whole), "\(text)")
            }
        }
    }

    @Test func highlightingAddsNothingButTags() {
        var random = SeededGenerator.printed("highlightingAddsNothingButTags")
        for _ in 0..<2_000 {
            let text = RandomTexts.next(&random)
            let hits = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                let start = Int.random(in: 0...30, using: &random)
                return start..<start + Int.random(in: 0...10, using: &random)
            }
            let highlighted = HitHighlighter(tag: "b").highlight(text, hits: hits)
            let stripped = highlighted.without("<b>").without("</b>")
            #expect(Array(stripped.unicodeScalars) == Array(text.unicodeScalars), "\(hits)")
            let openings = highlighted.count(of: "<b>")
            #expect(openings == highlighted.count(of: "</b>") && openings <= hits.count)
        }
    }
}

/// By code points: a mark behind a tag does not hide it.
extension String {
    fileprivate func without(_ tag: String) -> String {
        replacingOccurrences(of: tag, with: "", options: .literal)
    }

    fileprivate func count(of tag: String) -> Int {
        (unicodeScalars.count - without(tag).unicodeScalars.count) / tag.unicodeScalars.count
    }
}
