import Foundation

extension String {
    /// Unicode's form C of the text (UAX #15).
    ///
    /// - Parameter havingPiles: May there be letters with many marks? The library sorts marks by insertion, which takes
    ///   quadratic time if somebody piles thousands on one; sorted beforehand, they leave it nothing to do.
    func canonicallyComposed(havingPiles: Bool) -> String {
        (havingPiles ? canonicallyOrdered : self).precomposedStringWithCanonicalMapping
    }

    /// The same text with its marks in canonical order (UAX #15), in O(n log n): to be done before any of Unicode's
    /// forms is asked for of a text that strangers wrote.
    public var canonicallyOrdered: String {
        var ordered = String.UnicodeScalarView()
        var marks: [Unicode.Scalar] = []
        for scalar in unicodeScalars {
            if scalar.combiningClass == 0, scalar.markDecomposition == nil {
                ordered.appendInOrder(&marks)
                ordered.append(scalar)
            } else {
                marks += scalar.markDecomposition ?? [scalar]
            }
        }
        ordered.appendInOrder(&marks)
        return String(ordered)
    }
}

extension String.UnicodeScalarView {
    /// The canonical ordering algorithm: a stable sort by combining class.
    fileprivate mutating func appendInOrder(_ marks: inout [Unicode.Scalar]) {
        if marks.count > 1 { marks.sort { $0.combiningClass < $1.combiningClass } }
        append(contentsOf: marks)
        marks.removeAll(keepingCapacity: true)
    }
}

extension Unicode.Scalar {
    fileprivate var combiningClass: UInt8 { value < 0x300 ? 0 : properties.canonicalCombiningClass.rawValue }

    /// The Tibetan vowel signs of class zero that are made of marks: no other code point of that class begins with one
    /// when decomposed.
    fileprivate var markDecomposition: [Unicode.Scalar]? {
        switch value {
        case 0xF73: ["\u{F71}", "\u{F72}"]
        case 0xF75: ["\u{F71}", "\u{F74}"]
        case 0xF81: ["\u{F71}", "\u{F80}"]
        default: nil
        }
    }
}
