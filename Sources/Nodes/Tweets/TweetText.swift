import Foundation

/// What a tweet's text weighs and names, after twitter-text's version 3 configuration.
///
/// Weights: code points U+0000–10FF, U+2000–200D, U+2010–201F and U+2032–2037 weigh 1, all others 2; an emoji
/// sequence weighs 2; a web address weighs 23 however long it is. The text is weighed in NFC.
/// Source: twitter-text, config/v3.json.
enum TweetText {
    static let maxWeight = 280
    static let urlWeight = 23
    /// Long before weights are counted: nothing this long can be a tweet.
    static let maxBytes = 8 * 1024

    static func weight(of text: String) -> Int {
        let text = text.precomposedStringWithCanonicalMapping
        var weight = 0
        var rest = text[...]
        while let character = rest.first {
            if let length = urlLength(at: rest, in: text) {
                weight += urlWeight
                rest = rest.dropFirst(length)
            } else {
                weight += Self.weight(of: character)
                rest = rest.dropFirst()
            }
        }
        return weight
    }

    private static func weight(of character: Character) -> Int {
        let scalars = character.unicodeScalars
        // A longest emoji sequence is a family of four with skin tones; marks piled on an emoji are weighed.
        if let first = scalars.first, scalars.count <= 16, isEmoji(first, in: scalars) { return 2 }
        return scalars.reduce(0) { $0 + (isLight($1.value) ? 1 : 2) }
    }

    private static func isEmoji(_ first: Unicode.Scalar, in scalars: String.UnicodeScalarView) -> Bool {
        if first.properties.isEmojiPresentation { return true }
        // Text by default (©, ☺, digits): an emoji only with the variation selector or in a keycap.
        return first.properties.isEmoji && scalars.dropFirst().contains { $0.value == 0xFE0F || $0.value == 0x20E3 }
    }

    private static func isLight(_ value: UInt32) -> Bool {
        switch value {
        case 0...0x10FF, 0x2000...0x200D, 0x2010...0x201F, 0x2032...0x2037: true
        default: false
        }
    }

    /// Characters of the web address that begins here, if one does.
    private static func urlLength(at rest: Substring, in text: String) -> Int? {
        guard rest.hasPrefix("http://") || rest.hasPrefix("https://") else { return nil }
        if rest.startIndex > text.startIndex, isWord(text[text.index(before: rest.startIndex)]) { return nil }
        let url = rest.prefix { !$0.isWhitespace }
        let trimmed = url.reversed().drop { ".,;:!?)]}'\"".contains($0) }
        return trimmed.count > "https://".count ? trimmed.count : nil
    }

    // MARK: Hashtags and mentions

    /// Hashtags without their sign, in order, each once without regard to case.
    static func hashtags(in text: String) -> [String] {
        names(in: text, after: ["#", "＃"]) { isWord($0) }.filter { tag in
            tag.contains { $0.isLetter }
        }
    }

    /// Usernames that are mentioned, without the sign, in order, each once.
    static func mentions(in text: String) -> [String] {
        names(in: text, after: ["@", "＠"]) { isWord($0) }.filter { name in
            name.utf8.count <= 15 && name.utf8.allSatisfy { isNameByte($0) }
        }
    }

    private static func names(
        in text: String, after signs: [Character], while belongs: (Character) -> Bool
    ) -> [String] {
        var found: [String] = []
        var seen: Set<String> = []
        var previous: Character?
        var rest = text[...]
        while let character = rest.first {
            rest = rest.dropFirst()
            if signs.contains(character),
                previous.map({ !isWord($0) && !"&/".contains($0) && !signs.contains($0) }) ?? true
            {
                let name = String(rest.prefix(while: belongs))
                if !name.isEmpty, seen.insert(name.lowercased()).inserted { found.append(name) }
                rest = rest.dropFirst(name.count)
                previous = name.last ?? character
            } else {
                previous = character
            }
        }
        return found
    }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
