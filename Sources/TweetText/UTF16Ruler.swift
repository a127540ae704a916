/// Turns offsets in code points into offsets in UTF-16 code units.
struct UTF16Ruler {
    let text: CodePoints
    private var position = 0
    private var units = 0

    init(text: CodePoints) { self.text = text }

    /// - Precondition: Offsets asked for only ever go up.
    mutating func offset(of target: Int) -> Int {
        while position < target {
            units += text[position].utf16Width
            position += 1
        }
        return units
    }
}

extension Unicode.Scalar {
    var utf16Width: Int { value > 0xFFFF ? 2 : 1 }
}
