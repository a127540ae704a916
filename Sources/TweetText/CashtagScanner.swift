/// Finds cashtags: `valid_cashtag`, one to six letters, perhaps with `.` or `_` and one or two more.
struct CashtagScanner {
    let text: CodePoints

    /// Ranges of `$TAG` with the sign, in order.
    func ranges() -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = 0
        while let sign = text.first(from: position, where: { $0 == "$" }) {
            position = sign + 1
            guard isBoundary(before: sign), let end = tagEnd(behind: sign) else { continue }
            found.append(sign..<end)
            position = end
        }
        return found
    }

    private func isBoundary(before sign: Int) -> Bool {
        guard let before = text.at(sign - 1) else { return true }
        return before.isSpace || before.isDirectionalMark
    }

    /// Six letters at most; a seventh is no end.
    private func tagEnd(behind sign: Int) -> Int? {
        let letters = text.end(of: sign + 1, limit: sign + 7) { $0.isASCIILetter }
        guard letters > sign + 1 else { return nil }
        return suffixEnd(behind: letters) ?? (isEnd(letters) ? letters : nil)
    }

    /// The end of `[._][a-z]{1,2}` if the tag may end there. A longer suffix is none: its dot then ends the tag.
    private func suffixEnd(behind letters: Int) -> Int? {
        guard let joint = text.at(letters), joint == "." || joint == "_" else { return nil }
        let end = text.end(of: letters + 1, limit: letters + 3) { $0.isASCIILetter }
        return end > letters + 1 && isEnd(end) ? end : nil
    }

    private func isEnd(_ position: Int) -> Bool {
        guard let next = text.at(position) else { return true }
        return next.isASCIIPunctuation || next.isSpace
    }
}
