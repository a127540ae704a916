/// What a code point means to a word (rule F6): part of it, riding on it, nothing, or its end.
enum WordRole {
    /// A letter, a digit or `_`.
    case letter
    /// A combining mark: part of a word that has begun, since Indic and Arabic vowels are marks; begins none.
    case mark
    /// Invisible (joiners, soft hyphens, variation selectors): neither kept nor the end of a word.
    case ignorable
    case separator

    init(_ scalar: Unicode.Scalar) {
        // The zero width space is there to separate words in scripts that write no spaces.
        if scalar.value == 0x200B {
            self = .separator
        } else if scalar.properties.isDefaultIgnorableCodePoint {
            self = .ignorable
        } else {
            self = WordRole(scalar.properties.generalCategory, isUnderscore: scalar == "_")
        }
    }

    private init(_ category: Unicode.GeneralCategory, isUnderscore: Bool) {
        switch category {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber:
            self = .letter
        case .nonspacingMark, .spacingMark: self = .mark
        default: self = isUnderscore ? .letter : .separator
        }
    }
}

/// Full case folding by the mappings that the standard library knows.
///
/// Lower, then upper, then lower case again comes out where CaseFolding.txt (full, without the Turkic lines) does: ß,
/// ẞ, SS and ss are one, and so are σ, ς and Σ. Only ı would go with i,
/// and is left alone.
/// Source: The Unicode Standard, section 3.13, default case folding.
enum CaseFolding {
    /// The folded form of an ASCII letter, digit or `_`; 0 for every other byte.
    static func asciiWordByte(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: 0
        }
    }

    /// The folded form, one to three code points; nil when it is the code point itself.
    static func folded(_ scalar: Unicode.Scalar) -> String? {
        guard scalar.properties.changesWhenCaseMapped, scalar != "ı" else { return nil }
        var folded = ""
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
            for upper in lower.properties.uppercaseMapping.unicodeScalars {
                folded += upper.properties.lowercaseMapping
            }
        }
        return folded.unicodeScalars.elementsEqual(CollectionOfOne(scalar)) ? nil : folded
    }
}
