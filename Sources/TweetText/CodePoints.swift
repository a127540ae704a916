/// A text as an array of code points, which all rules of twitter-text count in: reading any of them takes one step.
struct CodePoints {
    private let scalars: [Unicode.Scalar]
    /// Counts the reads, for tests that hold the scanners to linear work; nil elsewhere.
    private let meter: ReadMeter?

    init(_ text: String, meter: ReadMeter? = nil) {
        scalars = Array(text.unicodeScalars)
        self.meter = meter
    }

    var count: Int { scalars.count }

    /// - Precondition: `position` lies in the text.
    subscript(position: Int) -> Unicode.Scalar {
        meter?.reads += 1
        return scalars[position]
    }

    /// The code point there, or nil before the start and behind the end.
    func at(_ position: Int) -> Unicode.Scalar? {
        position >= 0 && position < scalars.count ? self[position] : nil
    }

    func string(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }

    /// The first position from `start` on whose code point is sought.
    func first(from start: Int, where isSought: (Unicode.Scalar) -> Bool) -> Int? {
        let position = end(of: start) { !isSought($0) }
        return position < count ? position : nil
    }

    /// Where the run of code points that satisfy `belongs` ends, begun at `start`, not behind `limit`.
    func end(of start: Int, limit: Int? = nil, while belongs: (Unicode.Scalar) -> Bool) -> Int {
        let limit = min(limit ?? count, count)
        var position = start
        while position < limit, belongs(self[position]) { position += 1 }
        return position
    }

    /// Does the lower-case ASCII `word` stand at `position`, in any case?
    func hasASCII(_ word: StaticString, at position: Int) -> Bool {
        guard position >= 0, position + word.utf8CodeUnitCount <= count else { return false }
        return word.withUTF8Buffer { letters in
            letters.indices.allSatisfy { self[position + $0].lowercasedASCII == UInt32(letters[$0]) }
        }
    }
}

/// How often code points were read.
final class ReadMeter {
    var reads = 0
}
