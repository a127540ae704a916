import Testing
import TweetText

@Suite struct WeighedTextTests {
    @Test(arguments: ["", " ", " \n\t "])
    func nothingIsNoTweet(_ text: String) {
        #expect(!WeighedText(text).isValid)
        #expect(WeighedText(text).displayRange == 0..<text.utf16.count)
    }

    @Test(arguments: ["\u{FFFE}", "\u{FEFF}", "\u{FFFF}"])
    func anInvalidCharacterEndsTheValidPart(_ character: String) {
        let weighed = WeighedText("日\(character)日")
        #expect(!weighed.isValid)
        #expect(weighed.weightedLength == 6)
        #expect(weighed.validRange == 0..<1)
    }

    @Test func theLimitIsPartOfWhatIsAllowed() {
        let full = String(repeating: "日", count: 140)
        #expect(WeighedText(full).isValid)
        #expect(WeighedText(full).permillage == 1000)
        let more = WeighedText(full + "a")
        #expect(!more.isValid)
        #expect(more.weightedLength == 281)
        #expect(more.validRange == 0..<140)
    }

    @Test func rangesWeighHalf() {
        for light in ["\u{10FF}", "\u{2000}", "\u{200D}", "\u{2010}", "\u{201F}", "\u{2032}", "\u{2037}"] {
            #expect(WeighedText("a\(light)a").weightedLength == 3, "\(light.unicodeScalars)")
        }
        for heavy in ["\u{1100}", "\u{1FFF}", "\u{200E}", "\u{200F}", "\u{2020}", "\u{2031}", "\u{2038}", "𠀡"] {
            #expect(WeighedText("a\(heavy)a").weightedLength == 4, "\(heavy.unicodeScalars)")
        }
    }

    @Test func formCIsWeighed() {
        #expect(WeighedText("e\u{301}").weightedLength == 1)
        #expect(WeighedText("\u{1112}\u{1161}\u{11AB}").weightedLength == 2)
        // U+FB2C is written as three.
        #expect(WeighedText("\u{FB2C}").weightedLength == 3)
        // The difference is added behind the valid part, wherever it arose.
        let long = "e\u{301}" + String(repeating: "x", count: 280)
        #expect(WeighedText(long).weightedLength == 281)
        #expect(WeighedText(long).validRange == 0..<281)
    }

    @Test func anAddressWeighs23() {
        #expect(WeighedText("a.co").weightedLength == 23)
        #expect(WeighedText("http://example.com/\(String(repeating: "x", count: 300)) a").weightedLength == 25)
        #expect(WeighedText("http://example").weightedLength == 14)
    }

    @Test(arguments: [
        "😀", "☺️", "©️", "1️⃣", "1⃣", "#⃣", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👍🏽", "☝️🏽", "👨‍👩‍👧‍👦", "🧑‍🧑‍🧒", "👩🏽‍💻", "👩‍⚕️", "🏃🏿‍♀️", "🏃🏿‍♀️‍➡️", "🧑‍🦽‍➡️", "🕵️‍♂️", "🏳️‍🌈",
        "🏴‍☠️", "👩‍❤️‍💋‍👨", "👩🏻‍❤️‍💋‍👨🏽", "🧑🏻‍🤝‍🧑🏻", "👩🏻‍🤝‍👩🏿", "👁‍🗨", "⌚️", "🧑‍🎄", "🐻‍❄️", "🫱🏻‍🫲🏿",
    ])
    func anEmojiWeighsTwo(_ emoji: String) {
        #expect(WeighedText(emoji).weightedLength == 2)
        #expect(WeighedText(emoji + emoji).weightedLength == 4)
    }

    /// Only what is known to be one counts as one: else a text could hide in a chain of joined emoji.
    @Test(arguments: [
        ("😀\u{200D}😀", 5), ("🐱\u{200D}👓", 5), ("👍\u{200D}♀️", 5), ("👩\u{200D}⚕", 5), ("🇦🇦", 4), ("🇩", 2),
        ("✌\u{FE0E}", 4),
        ("😀\u{FE0F}", 4), ("a\u{FE0F}", 3), ("©", 1), ("1\u{FE0F}", 3), ("👨🏻\u{200D}👩\u{200D}👧", 5), ("👨\u{200D}👦🏽", 4),
        ("🏴\u{E0067}\u{E0062}\u{E007F}", 8), ("👩🏻\u{200D}🤝\u{200D}👩🏻", 8),
    ])
    func whatIsNoEmojiIsWeighedPieceByPiece(_ text: String, _ weight: Int) {
        #expect(WeighedText(text).weightedLength == weight)
    }

    @Test func version2WeighsThePiecesOfAnEmoji() {
        #expect(WeighedText("👨‍👩‍👧", rules: .v2).weightedLength == 8)
        #expect(WeighedText("👨‍👩‍👧", rules: .v1).weightedLength == 5)
    }
}
