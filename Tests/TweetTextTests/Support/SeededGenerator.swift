import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// ROOKERY_SEED if it is set, so that a failure can be replayed; printed either way.
    static func printed(_ name: String) -> SeededGenerator {
        let wanted = ProcessInfo.processInfo.environment["ROOKERY_SEED"].flatMap { UInt64($0) }
        let seed = wanted ?? UInt64.random(in: 0...9_999_999)
        print("\(name): ROOKERY_SEED=\(seed)")
        return SeededGenerator(state: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Texts made of what the rules turn on, so that a random one meets many of them.
enum RandomTexts {
    private static let pieces = [
        "a", "Z", "1", "_", "-", ".", ".", ".", "/", "/", ":", "://", "http://", "https://", "@", "@", "＠", "#", "＃",
        "$",
        "&", "!", "?", "=", "+", "%", "(", ")", "((z))", "(y)", "[", "'", "\"", ",", "~", "|", " ", " ", "\n",
        "\u{3000}",
        "\u{A0}", "\u{200E}", "\u{202A}", "\u{FEFF}", "\u{FFFF}", "é", "É", "ì", "ş", "の", "日本語", "。", "한국", "みんな",
        "中国",
        "рф", "русский", "پاکستان", "क", "ि", "١", "٣", "com", "net", "co", "jp", "t.co", "t.co/", "example.com",
        "foo.co.jp",
        "it.so", "xn--", "xn--ls8h", "comx", "c_m", "rt", "RT:", "/list", "user_name", "abcdefghijklmnopqrstuvw",
        "TEST",
        "AB", ".T", "·", "ー", "〜", "\u{200D}", "\u{20E3}", "\u{FE0F}", "✌", "🏿", "👨‍👩‍👧", "🇩🇪", "–", "’", "\u{301}",
        "𠀡", "?a=b", "#c", "-bar", "_baz", "/x.", ".com", ".com/", ":80", "user:pw@", "1.2.3.4", "ｈ",
    ]

    static func next(_ random: inout SeededGenerator) -> String {
        let count = Int.random(in: 1...[4, 12, 30].randomElement(using: &random)!, using: &random)
        return (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined()
    }
}
