/// The classes of code points that twitter-text's rules are made of. Letters and digits in them are those of ASCII,
/// without regard to case.
extension Unicode.Scalar {
    /// The value with A–Z made small; other values may change too, but never into an ASCII letter or digit.
    var lowercasedASCII: UInt32 { value >= 0x41 && value <= 0x5A ? value | 0x20 : value }

    var isASCIILetter: Bool {
        let lower = value | 0x20
        return lower >= 0x61 && lower <= 0x7A
    }

    var isASCIIDigit: Bool { value >= 0x30 && value <= 0x39 }

    var isASCIIAlphanumeric: Bool { isASCIILetter || isASCIIDigit }

    /// `[a-z0-9_]`
    var isNameCharacter: Bool { isASCIIAlphanumeric || self == "_" }

    var isASCIIPunctuation: Bool {
        switch value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }

    /// `spaces`: White_Space, and U+180E, which had that property when the rules were written.
    var isSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x180E, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
            true
        default: false
        }
    }

    /// `directional_characters`: the twelve code points with the property Bidi_Control.
    var isDirectionalMark: Bool {
        switch value {
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// `invalid_control_characters`: byte order marks and U+FFFF. A tweet that holds one is not valid.
    var isInvalidInTweet: Bool { value == 0xFFFE || value == 0xFEFF || value == 0xFFFF }

    /// `latin_accents`: Latin-1 letters, Latin Extended A and B, some of IPA, the Hawaiian okina, combining diacritics
    /// and Latin Extended Additional, without the signs of multiplication and division.
    var isLatinAccent: Bool {
        switch value {
        case ..<0xC0, 0xD7, 0xF7: false
        case ...0x24F, 0x300...0x36F, 0x1E00...0x1EFF: true
        case 0x253, 0x254, 0x256, 0x257, 0x259, 0x25B, 0x263, 0x268, 0x26F, 0x272, 0x289, 0x28B, 0x2BB: true
        default: false
        }
    }

    /// `\p{Cyrillic}` by its blocks: Cyrillic, its supplement, Extended-C, Extended-A and Extended-B.
    var isCyrillic: Bool {
        switch value {
        case 0x400...0x52F, 0x1C80...0x1C8F, 0x2DE0...0x2DFF, 0xA640...0xA69F: true
        default: false
        }
    }

    /// `\p{Pd}`
    var isDash: Bool { value < 0x80 ? self == "-" : properties.generalCategory == .dashPunctuation }

    var isHashSign: Bool { self == "#" || self == "＃" }

    var isAtSign: Bool { self == "@" || self == "＠" }
}
