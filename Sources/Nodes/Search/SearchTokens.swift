/// The words of a text (rule F6): NFKC, case-folded, runs of letters, digits and `_`; no stemming.
///
/// All words lie behind one another in one array of UTF-8, so that a tweet costs two allocations and not one a word.
/// Each token remembers which code points of the *given* text it came from, although it is the normalised text that
/// is cut into words: hits are shown in the text as it was written.
struct SearchTokens {
    /// Longer words are cut, here and in queries alike, so that a term always fits its row.
    static let maxTokenBytes = 256

    struct Token {
        /// Where the folded word lies in `bytes`.
        var bytes: Range<Int>
        /// Code points of the given text, whole characters always.
        var source: Range<Int>
    }

    private(set) var bytes: [UInt8] = []
    /// In the text's order: a token's index is its position.
    private(set) var tokens: [Token] = []

    /// The word that has begun and not ended, if one has: where in `bytes`, and in the text.
    private var openAt: Int?
    private var openSource = 0..<0
    /// Marks or several code points came out of one: the word may need to be composed again.
    private var mayCompose = false

    init(_ text: String) {
        var text = text
        text.withUTF8 { read($0) }
        close()
    }

    /// The folded words as strings.
    var words: [String] {
        tokens.map { String(decoding: bytes[$0.bytes], as: UTF8.self) }
    }

    /// A hashtag's or user's name folded into one word: what separates words inside it is left out.
    static func foldedName(_ name: String) -> ArraySlice<UInt8> {
        let bytes = SearchTokens(name).bytes
        return bytes[..<cut(bytes, 0..<bytes.count)]
    }

    /// The end of what may be kept of these bytes: at most `maxTokenBytes`, between two code points.
    private static func cut(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        guard range.count > maxTokenBytes else { return range.upperBound }
        var end = range.lowerBound + maxTokenBytes
        while bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }

    // MARK: Reading

    private mutating func read(_ text: UnsafeBufferPointer<UInt8>) {
        bytes.reserveCapacity(text.count)
        tokens.reserveCapacity(text.count / 5 + 1)
        var index = 0
        var point = 0
        while index < text.count {
            let isAlone = index + 1 == text.count || text[index + 1] < 0x80
            if text[index] < 0x80 && isAlone {
                take(ascii: text[index], at: point)
                index += 1
                point += 1
            } else {
                // An ASCII letter goes with what follows it: a mark may compose with it.
                var end = index + 1
                while end < text.count && text[end] >= 0x80 { end += 1 }
                take(wide: String(decoding: text[index..<end], as: UTF8.self), at: &point)
                index = end
            }
        }
    }

    private mutating func take(ascii byte: UInt8, at point: Int) {
        let folded = CaseFolding.asciiWordByte(byte)
        guard folded != 0 else { return close() }
        extend(over: point..<point + 1)
        bytes.append(folded)
    }

    /// Normalises character by character, since what a word came from would be lost in the whole text's normal form.
    /// Only conjoining across characters (Hangul letters) differs then, and `close` mends that.
    private mutating func take(wide text: String, at point: inout Int) {
        let isNormal = NormalForm.isNormal(text)
        mayCompose = mayCompose || !isNormal
        for character in text {
            let source = point..<point + character.unicodeScalars.count
            point = source.upperBound
            if isNormal {
                for scalar in character.unicodeScalars { take(scalar, from: source) }
            } else {
                let normal = NormalForm.normalized(String(character))
                for scalar in normal.unicodeScalars { take(scalar, from: source) }
            }
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar, from source: Range<Int>) {
        guard let folded = CaseFolding.folded(scalar) else { return append(scalar, from: source) }
        for scalar in folded.unicodeScalars { append(scalar, from: source) }
    }

    private mutating func append(_ scalar: Unicode.Scalar, from source: Range<Int>) {
        switch WordRole(scalar) {
        case .separator: return close()
        case .ignorable: return
        case .mark where openAt == nil: return
        case .mark, .letter: break
        }
        mayCompose = mayCompose || !NormalForm.isPlain(scalar)
        extend(over: source)
        bytes.append(contentsOf: scalar.utf8)
    }

    // MARK: Words

    private mutating func extend(over source: Range<Int>) {
        if openAt == nil {
            openAt = bytes.count
            openSource = source
        } else {
            openSource = openSource.lowerBound..<source.upperBound
        }
    }

    private mutating func close() {
        guard let start = openAt else { return }
        openAt = nil
        if mayCompose { compose(from: start) }
        bytes.removeSubrange(Self.cut(bytes, start..<bytes.count)...)
        tokens.append(Token(bytes: start..<bytes.count, source: openSource))
    }

    /// Folding can leave a letter beside a mark that it composes with.
    private mutating func compose(from start: Int) {
        mayCompose = false
        let composed = NormalForm.normalized(String(decoding: bytes[start...], as: UTF8.self))
        bytes.replaceSubrange(start..., with: composed.utf8)
    }
}
