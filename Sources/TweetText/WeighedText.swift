/// What a text weighs and whether it can be a tweet (`parseTweet`). Texts are weighed in Unicode's form C, so that it
/// does not matter how an accent was typed.
public struct WeighedText: Hashable, Sendable {
    /// In characters of the rules; parts of one are cut off.
    public let weightedLength: Int
    /// Is there something in it but blanks, nothing invalid, and not too much?
    public let isValid: Bool
    /// Thousandths of the greatest length.
    public let permillage: Int
    /// The part that would be valid by itself, in UTF-16 code units of the text as given. Where form C is shorter or
    /// longer than the text, the difference is added at the end, as the reference does.
    public let validRange: Range<Int>
    /// The whole text, in UTF-16 code units.
    public let displayRange: Range<Int>

    /// Work is linear in the length of the text.
    public init(_ text: String, rules: WeighingRules = .v3) {
        let original = text.unicodeScalars.reduce(into: TextExtent()) { $0.add($1) }
        let composed = original.isComposed ? text : text.canonicallyComposed(havingPiles: original.hasPiles)
        let count = Weighing(CodePoints(composed), rules: rules)
        let growth = original.utf16Count - count.utf16Count
        weightedLength = count.weight / rules.scale
        isValid = !original.isBlank && !count.hasInvalid && weightedLength <= rules.maxWeightedLength
        permillage = weightedLength * 1000 / rules.maxWeightedLength
        validRange = 0..<min(max(count.validUTF16Count + growth, 0), original.utf16Count)
        displayRange = 0..<original.utf16Count
    }
}

/// What one look at a text tells.
private struct TextExtent {
    /// So few marks on a letter sort in no time, however they are sorted.
    private static let harmlessPile = 64

    private(set) var utf16Count = 0
    /// Nothing but controls and blanks of ASCII: what the reference's `trim` leaves nothing of.
    private(set) var isBlank = true
    /// Surely in form C: all of it are code points that composition neither changes nor joins.
    private(set) var isComposed = true
    /// Are there so many others in a row that they may be marks piled up?
    private(set) var hasPiles = false
    private var pile = 0

    mutating func add(_ scalar: Unicode.Scalar) {
        utf16Count += scalar.utf16Width
        isBlank = isBlank && scalar.value <= 0x20
        guard !scalar.isInert else {
            pile = 0
            return
        }
        isComposed = false
        pile += 1
        hasPiles = hasPiles || pile > Self.harmlessPile
    }
}

extension Unicode.Scalar {
    /// NFC_Quick_Check is yes and the combining class is zero (UAX #15), for the blocks that tweets are mostly made of;
    /// false where that is not sure.
    fileprivate var isInert: Bool {
        switch value {
        case ...0x2FF: true
        case 0x400...0x482, 0x48A...0x52F: true  // Cyrillic without its marks
        case 0x2002...0x20CF, 0x2600...0x27BF, 0x1F000...0x1FAFF: true  // punctuation, symbols, emoji
        case 0x20E3, 0xFE0E...0xFE0F, 0xE0020...0xE007F: true  // keycap, selectors, tags
        case 0x3000...0x3029, 0x3041...0x3096, 0x309B...0x30FF, 0xFF01...0xFF9D: true  // kana, full width
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3: true  // ideographs, Hangul syllables
        default: false
        }
    }
}

/// The walk over a text in form C.
struct Weighing {
    /// In parts of a character.
    private(set) var weight = 0
    private(set) var hasInvalid = false
    private(set) var utf16Count = 0
    /// UTF-16 code units of the part that is neither too long nor holds something invalid.
    private(set) var validUTF16Count = 0

    init(_ text: CodePoints, rules: WeighingRules) {
        var urls = URLScanner.matches(in: text).map(\.range)[...]
        var position = 0
        while position < text.count {
            let end: Int
            if let url = urls.first, url.lowerBound == position {
                urls.removeFirst()
                weight += rules.transformedURLLength * rules.scale
                end = url.upperBound
            } else if rules.parsesEmoji, let emojiEnd = EmojiScanner.end(at: position, in: text) {
                weight += rules.defaultWeight
                end = emojiEnd
            } else {
                weight += rules.weight(of: text[position])
                hasInvalid = hasInvalid || text[position].isInvalidInTweet
                end = position + 1
            }
            for passed in position..<end { utf16Count += text[passed].utf16Width }
            position = end
            if !hasInvalid, weight <= rules.maxWeightedLength * rules.scale { validUTF16Count = utf16Count }
        }
    }
}
