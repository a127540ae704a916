/// Tells which emoji begins at a place: the sequences of UTS #51 that are recommended for general interchange.
///
/// Only a known sequence counts as one emoji: else a tweet could hide a long text in a chain of joined ones.
enum EmojiScanner {
    private static let variationSelector: Unicode.Scalar = "\u{FE0F}"
    private static let textSelector: Unicode.Scalar = "\u{FE0E}"
    private static let joiner: Unicode.Scalar = "\u{200D}"
    private static let keycap: Unicode.Scalar = "\u{20E3}"

    /// Where the emoji that begins at `start` ends, or nil if none does. Of several the longest counts.
    static func end(at start: Int, in text: CodePoints) -> Int? {
        let first = text[start]
        if first.value < 0x80 { return keycapEnd(at: start, first, in: text) }
        guard first.isEmojiBase else { return nil }
        if let end = flagEnd(at: start, first, in: text) { return end }
        guard let element = Element(at: start, in: text) else { return nil }
        if text.at(element.end) == joiner, let joined = joinedEnd(from: element, in: text) { return joined }
        return element.isPresentedAsEmoji ? element.end : nil
    }

    /// `[#*0-9]` U+FE0F? U+20E3
    private static func keycapEnd(at start: Int, _ first: Unicode.Scalar, in text: CodePoints) -> Int? {
        guard first.isASCIIDigit || first == "#" || first == "*" else { return nil }
        let mark = text.at(start + 1) == variationSelector ? start + 2 : start + 1
        return text.at(mark) == keycap ? mark + 1 : nil
    }

    private static func flagEnd(at start: Int, _ first: Unicode.Scalar, in text: CodePoints) -> Int? {
        if first == "🏴" {
            return EmojiSequences.subdivisions.first { text.hasTags($0, at: start + 1) }.map { start + 2 + $0.count }
        }
        guard let one = first.regionalLetter, let other = text.at(start + 1)?.regionalLetter else { return nil }
        return EmojiSequences.isRegion(one, other) ? start + 2 : nil
    }

    /// The longest known sequence that begins with `first` and goes on behind joiners.
    private static func joinedEnd(from first: Element, in text: CodePoints) -> Int? {
        var elements = [first]
        while elements.count < EmojiSequences.mostElements, let last = elements.last, text.at(last.end) == joiner,
            let next = Element(at: last.end + 1, in: text)
        {
            elements.append(next)
        }
        for count in (2..<max(elements.count + 1, 2)).reversed() {
            var sequence = elements[..<count]
            if EmojiSequences.isKnown(sequence) { return elements[count - 1].end }
            // The sequence may end before a skin tone, which is then an emoji by itself.
            guard let untoned = elements[count - 1].withoutSkinTone else { continue }
            sequence[count - 1] = untoned
            if EmojiSequences.isKnown(sequence) { return untoned.end }
        }
        return nil
    }

    /// An emoji by itself, with what qualifies it: an element of a sequence.
    struct Element {
        let base: Unicode.Scalar
        let hasVariationSelector: Bool
        private(set) var skinTone: Unicode.Scalar?
        private(set) var end: Int
        /// Is the base an emoji without a selector, too?
        private let isEmojiByDefault: Bool

        init?(at start: Int, in text: CodePoints) {
            guard let base = text.at(start), base.isEmojiBase else { return nil }
            var next = text.at(start + 1)
            if next == textSelector { return nil }
            self.base = base
            isEmojiByDefault = base.properties.isEmojiPresentation
            hasVariationSelector = next == variationSelector && (!isEmojiByDefault || base.takesVariationSelector)
            var end = start + 1
            if hasVariationSelector {
                end += 1
                next = text.at(end)
            }
            skinTone = next.flatMap { $0.isSkinTone && base.properties.isEmojiModifierBase ? $0 : nil }
            self.end = skinTone == nil ? end : end + 1
        }

        /// The same without its skin tone; nil if it has none.
        var withoutSkinTone: Element? {
            guard skinTone != nil else { return nil }
            var element = self
            element.skinTone = nil
            element.end -= 1
            return element
        }

        var isPresentedAsEmoji: Bool { hasVariationSelector || skinTone != nil || isEmojiByDefault }

        /// Fully qualified (UTS #51 ED-18): the selector stands where the base would be text without it, only there.
        var isQualified: Bool {
            skinTone == nil ? hasVariationSelector != isEmojiByDefault : !hasVariationSelector
        }
    }
}

extension CodePoints {
    /// Does `letters`, written in tag characters and closed by the cancel tag, stand there? (UTS #51 ED-14a)
    fileprivate func hasTags(_ letters: [UInt32], at position: Int) -> Bool {
        letters.indices.allSatisfy { at(position + $0)?.value == 0xE0000 + letters[$0] }
            && at(position + letters.count)?.value == 0xE007F
    }
}

extension Unicode.Scalar {
    /// 0 to 25 for the regional indicators A to Z.
    fileprivate var regionalLetter: Int? {
        (0x1F1E6...0x1F1FF).contains(value) ? Int(value - 0x1F1E6) : nil
    }

    /// The property Emoji, without ASCII. Where there are only letters it is not looked up.
    fileprivate var isEmojiBase: Bool {
        switch value {
        case 0xA9, 0xAE: true
        case 0x203C...0x3299, 0x1F000...0x1FAFF: properties.isEmoji
        default: false
        }
    }

    /// The property Emoji_Modifier.
    fileprivate var isSkinTone: Bool { (0x1F3FB...0x1F3FF).contains(value) }

    /// Of the emoji that need no selector, those that were symbols before there were emoji may have one. Behind any
    /// other it is one code point more.
    fileprivate var takesVariationSelector: Bool {
        switch value {
        case 0x231A...0x231B, 0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653, 0x267F, 0x2693, 0x26A1: true
        case 0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5, 0x26D4, 0x26EA, 0x26F2...0x26F3, 0x26F5: true
        case 0x26FA, 0x26FD, 0x2757, 0x2B1B...0x2B1C, 0x2B50, 0x2B55, 0x1F004, 0x1F21A, 0x1F22F: true
        default: false
        }
    }
}
