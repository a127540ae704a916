/// Text with colours, or without them where nobody would see them.
struct Style {
    var colours: Bool

    func name(_ text: String) -> String { wrap(text, "1;36") }
    func faint(_ text: String) -> String { wrap(text, "2") }
    func strong(_ text: String) -> String { wrap(text, "1") }
    func hit(_ text: String) -> String { wrap(text, "1;33") }
    func good(_ text: String) -> String { wrap(text, "32") }
    func bad(_ text: String) -> String { wrap(text, "31") }

    private func wrap(_ text: String, _ code: String) -> String {
        colours ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// Other people's text without what would steer the terminal: control characters but line breaks and tabs, and the
    /// marks that turn the direction of the text.
    static func harmless(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.value {
                    case 0x0A, 0x09: scalar
                    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: "\u{FFFD}"
                    default: scalar
                    }
                }))
    }

    /// Columns of equal width, two spaces apart; the first row is the head.
    func table(_ rows: [[String]]) -> [String] {
        guard let head = rows.first else { return [] }
        let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.enumerated().map { index, row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            let line = cells.joined(separator: "  ")
            return index == 0 ? faint(line) : line
        }
    }
}
