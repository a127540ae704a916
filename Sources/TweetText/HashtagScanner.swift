/// Finds hashtags: `valid_hashtag`, followed by what `end_hashtag_match` allows.
struct HashtagScanner {
    let text: CodePoints

    /// Ranges of `#tag` with the sign, in order; those inside web addresses too.
    func ranges() -> [Range<Int>] {
        var found: [Range<Int>] = []
        var consumed = 0
        var position = 0
        while let sign = text.first(from: position, where: { $0.isHashSign }) {
            position = sign + 1
            guard isBoundary(before: sign, consumed: consumed), let end = tagEnd(behind: sign) else { continue }
            consumed = end
            position = end
            if !isSpoiled(at: end) { found.append(sign..<end) }
        }
        return found
    }

    /// `hashtagBoundary`: the start, a variation selector, or what could not be part of a tag and is no `&`; of text
    /// that no earlier match has used up.
    private func isBoundary(before sign: Int, consumed: Int) -> Bool {
        guard sign > 0 else { return true }
        guard sign > consumed else { return false }
        let before = text[sign - 1]
        if before.value == 0xFE0E || before.value == 0xFE0F { return true }
        return before != "&" && !before.isHashtagCharacter
    }

    /// Where the tag ends, or nil unless there is a letter or mark in it. Keycaps (`#` U+20E3) are no tags.
    private func tagEnd(behind sign: Int) -> Int? {
        guard let first = text.at(sign + 1), first.value != 0xFE0F, first.value != 0x20E3 else { return nil }
        var hasLetter = false
        let end = text.end(of: sign + 1) { scalar in
            if scalar.isHashtagLetter {
                hasLetter = true
                return true
            }
            return scalar.isHashtagNumeralOrSpecial
        }
        return hasLetter ? end : nil
    }

    /// `end_hashtag_match`: a tag does not run into another sign or `://`.
    private func isSpoiled(at end: Int) -> Bool {
        guard let next = text.at(end) else { return false }
        return next.isHashSign || text.hasASCII("://", at: end)
    }
}

extension Unicode.Scalar {
    /// `hashtagAlphaNumeric`
    var isHashtagCharacter: Bool { isHashtagLetter || isHashtagNumeralOrSpecial }

    /// `\p{L}\p{M}` and what the rules add in the private use area, where some fonts have their letters; whatever else
    /// they add has become a letter or a mark since.
    fileprivate var isHashtagLetter: Bool {
        if value < 0x80 { return isASCIILetter }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
        case .nonspacingMark, .spacingMark, .enclosingMark: return true
        case .privateUse: return isPrivateUseLetter
        default: return false
        }
    }

    private var isPrivateUseLetter: Bool {
        switch value {
        case 0xF870...0xF87F, 0xF882, 0xF884...0xF89F, 0xF8B8, 0xF8C1...0xF8D6: true
        default: false
        }
    }

    /// `\p{Nd}` and `hashtag_special_chars`.
    fileprivate var isHashtagNumeralOrSpecial: Bool {
        switch value {
        case ..<0x80: isASCIIDigit || self == "_"
        // Middle dot; maqaf, geresh and gershayim; tsheg and its delimiter; zero-width non-joiner and joiner.
        case 0xB7, 0x5BE, 0x5F3, 0x5F4, 0xF0B, 0xF0C, 0x200C, 0x200D: true
        // Ditto mark, wave dash, marks of kana, full-width tilde; Cyrillic kavyka.
        case 0x3003, 0x301C, 0x309B, 0x309C, 0x30A0, 0x30FB, 0xFF5E, 0xA67E: true
        default: properties.generalCategory == .decimalNumber
        }
    }
}
