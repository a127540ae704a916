/// What is wrong with a wished username.
public enum InvalidUsername: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case tooLong(characters: Int)
    case character(Character)

    public var description: String {
        switch self {
        case .empty: "a username must have at least one character"
        case .tooLong(let characters): "a username has at most \(Username.maximumLength) characters, not \(characters)"
        case .character(let character): "a username has letters A–Z, digits and _ only, not \"\(character)\""
        }
    }
}

/// Usernames: 1–15 of `A–Z a–z 0–9 _`, unique without regard to case.
public enum Username {
    public static let maximumLength = 15

    /// Throws what is wrong with the name, if anything is.
    public static func validate(_ name: String) throws(InvalidUsername) {
        if name.isEmpty { throw .empty }
        if let wrong = name.first(where: { !isAllowed($0) }) { throw .character(wrong) }
        if name.utf8.count > maximumLength { throw .tooLong(characters: name.utf8.count) }
    }

    /// The form under which names are compared: ASCII lower case. Other characters stay as they are, for no valid name
    /// has any.
    public static func folded(_ name: String) -> String {
        String(decoding: name.utf8.map(lowered), as: UTF8.self)
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isAllowed(_ character: Character) -> Bool {
        // Not asciiValue: it takes "\r\n", a single Character, for a newline; that is two bytes and no letter either
        // way.
        guard character.utf8.count == 1, let byte = character.utf8.first else { return false }
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): return true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): return true
        default: return false
        }
    }
}
