import Foundation
import Testing

@testable import Nodes

@Suite struct SearchTokensTests {
    /// A text, its words, and the code points that each word came from.
    private static let golden: [(String, [String], [Range<Int>])] = [
        ("", [], []),
        ("Hello, World_1!", ["hello", "world_1"], [0..<5, 7..<14]),
        ("it's foo-bar", ["it", "s", "foo", "bar"], [0..<2, 3..<4, 5..<8, 9..<12]),
        ("#Tag @User $CASH", ["tag", "user", "cash"], [1..<4, 6..<10, 12..<16]),
        ("Straße STRASSE STRAẞE", ["strasse", "strasse", "strasse"], [0..<6, 7..<14, 15..<21]),
        ("ΣΊΣΥΦΟΣ σίσυφος", ["σίσυφοσ", "σίσυφοσ"], [0..<7, 8..<15]),
        ("cafe\u{301} café CAFÉ", ["café", "café", "café"], [0..<5, 6..<10, 11..<15]),
        ("Ｆｕｌｌ ﬁne ² ℌ", ["full", "fine", "2", "h"], [0..<4, 5..<8, 9..<10, 11..<12]),
        ("½ﷺ", ["1", "2صلى", "الله", "عليه", "وسلم"], [0..<1, 0..<2, 1..<2, 1..<2, 1..<2]),
        ("हिन्दी में", ["हिन्दी", "में"], [0..<6, 7..<10]),
        ("\u{301}x \u{301} a\u{200D}b\u{AD}c", ["x", "abc"], [1..<2, 5..<10]),
        ("a\u{200B}b", ["a", "b"], [0..<1, 2..<3]),
        ("1\u{FE0F}\u{20E3} 👩‍👩‍👧 ok", ["1", "ok"], [0..<3, 10..<12]),
        ("ㄱㅏ 가", ["가", "가"], [0..<2, 3..<4]),
        ("日本語です。次", ["日本語です", "次"], [0..<5, 6..<7]),
        ("ｶﾞ ガ", ["ガ", "ガ"], [0..<2, 3..<4]),
    ]

    @Test(arguments: golden)
    func wordsAreFoldedAndPlaced(_ text: String, _ words: [String], _ sources: [Range<Int>]) {
        let tokens = SearchTokens(text)
        // By bytes: strings compare equal when their code points differ canonically.
        #expect(tokens.words.map { Array($0.utf8) } == words.map { Array($0.utf8) })
        #expect(tokens.tokens.map(\.source) == sources)
    }

    /// A query's canonical text must find what the query found.
    @Test func foldingTwiceIsFoldingOnce() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), Self.isAssigned(scalar) else { continue }
            let once = SearchTokens("a" + String(scalar) + "e").words
            let twice = once.flatMap { SearchTokens($0).words }
            if !once.elementsEqual(twice, by: { $0.utf8.elementsEqual($1.utf8) }) {
                Issue.record("U+\(String(value, radix: 16)): \(once) and \(twice)")
            }
        }
    }

    private static func isAssigned(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .unassigned, .privateUse: false
        default: true
        }
    }

    @Test func canonicallyEqualTextsHaveEqualWords() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = "e" + String(scalar) + "o"
            let apart = text.decomposedStringWithCanonicalMapping
            guard !apart.utf8.elementsEqual(text.utf8) else { continue }
            let words = (SearchTokens(text).words, SearchTokens(apart).words)
            if !words.0.elementsEqual(words.1, by: { $0.utf8.elementsEqual($1.utf8) }) {
                Issue.record("U+\(String(value, radix: 16)): \(words)")
            }
        }
    }

    /// What is taken for normal without asking must be: alone, behind a letter, and as a second half.
    @Test func plainCodePointsStayAsTheyAre() {
        var seconds: Set<Unicode.Scalar> = []
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let parts = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars
            if parts.count > 1 { seconds.formUnion(parts.dropFirst()) }
        }
        var classes: Set<UInt8> = []
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), NormalForm.isPlain(scalar) else { continue }
            classes.insert(scalar.properties.canonicalCombiningClass.rawValue)
            let text = String(scalar)
            #expect(NormalForm.normalized(text).utf8.elementsEqual(text.utf8), "U+\(String(value, radix: 16))")
            #expect(!seconds.contains(scalar), "U+\(String(value, radix: 16)) composes")
        }
        #expect(classes == [0, 9])
    }

    /// The library sorts marks by insertion: what it is given has to be sorted, wherever the pile stands.
    @Test(arguments: ["\u{301}\u{323}", "\u{300}\u{316}", "\u{F73}\u{F71}", "\u{3099}\u{316}"])
    func pilesOfMarksAreSortedBeforeTheyAreNormalized(_ piece: String) {
        for (before, count) in [("x", 4000), ("so it was said: é", 40)] {
            let pile = before + String(repeating: piece, count: count)
            let sorted = NormalForm.withoutPiles(pile)
            let classes = sorted.unicodeScalars.map(\.properties.canonicalCombiningClass.rawValue)
            #expect(zip(classes, classes.dropFirst()).allSatisfy { $0 <= $1 || $1 == 0 }, "marks are out of order")
            let forms = [pile, sorted].map { $0.decomposedStringWithCanonicalMapping.unicodeScalars.sorted() }
            #expect(forms[0] == forms[1], "the text is another one")
            let words = [pile, pile.decomposedStringWithCanonicalMapping].map { SearchTokens($0).words }
            #expect(words[0].elementsEqual(words[1]) { $0.utf8.elementsEqual($1.utf8) })
        }
        // What has no piles is not even copied in another order.
        #expect(NormalForm.withoutPiles("e" + piece).utf8.elementsEqual(("e" + piece).utf8))
    }

    @Test func aLongWordIsCutBetweenCodePoints() {
        let tokens = SearchTokens(String(repeating: "語", count: 100) + " next")
        #expect(tokens.words == [String(repeating: "語", count: 85), "next"])
        #expect(tokens.tokens[0].source == 0..<100)
    }

    @Test func aNameFoldsToOneWord() {
        #expect(Array(SearchTokens.foldedName("Ünï_Code")) == Array("ünï_code".utf8))
        #expect(Array(SearchTokens.foldedName("a½b")) == Array("a12b".utf8))
    }
}
