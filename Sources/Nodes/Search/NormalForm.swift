import Foundation
import TweetText

/// NFKC, asked for only where it can change something.
enum NormalForm {
    /// Code points of everyday text that NFKC leaves as they are, whatever stands before or behind them: no
    /// decomposition, and none composes with what it follows. What is not listed is merely asked about.
    private static let plain: [ClosedRange<UInt32>] = [
        0x0000...0x007F,
        0x00C0...0x0131, 0x0134...0x013E, 0x0141...0x0148, 0x014A...0x017E,  // Latin
        0x0388...0x03CE,  // Greek
        0x0400...0x0482, 0x048A...0x052F,  // Cyrillic
        0x05D0...0x05EA,  // Hebrew
        0x0620...0x064A, 0x0660...0x0669, 0x0679...0x06D3,  // Arabic
        0x0901...0x0939, 0x093E...0x094D,  // Devanagari
        0x0E01...0x0E30,  // Thai
        0x2013...0x2014, 0x2018...0x201E,  // Dashes, quotation marks
        0x3001...0x3002, 0x3041...0x3096, 0x30A1...0x30FC,  // Kana
        0x3400...0x4DBF, 0x4E00...0x9FFF,  // Han
        0xAC00...0xD7A3,  // Hangul
        0x1F300...0x1FAFF,  // Emoji
    ]

    /// Of the marks among them only the virama has a combining class, so no two can be out of order.
    static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        let next = plain.partitioningIndex { $0.lowerBound > scalar.value }
        return next > 0 && plain[next - 1].contains(scalar.value)
    }

    static func normalized(_ text: String) -> String {
        withoutPiles(text).precomposedStringWithCompatibilityMapping
    }

    /// So few marks on a letter sort in no time, however they are sorted.
    private static let harmlessPile = 64

    /// The same text. The library sorts marks by insertion, which takes quadratic time if somebody piles thousands on one
    /// letter; sorted beforehand, they leave it nothing to do.
    static func withoutPiles(_ text: String) -> String {
        var pile = 0
        let hasPiles = text.unicodeScalars.contains { scalar in
            pile = isPlain(scalar) ? 0 : pile + 1
            return pile > harmlessPile
        }
        return hasPiles ? text.canonicallyOrdered : text
    }

    /// Whether the text is in NFKC.
    static func isNormal(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy(isPlain) || normalized(text).utf8.elementsEqual(text.utf8)
    }
}
