import Foundation

@testable import TweetText

/// The rules of twitter-text as they are written down, as regular expressions: slow, and quadratic or worse on hostile
/// texts, but easy to hold against their source. The scanners have to agree with it.
struct PatternModel {
    private static let space =
        #"\x09-\x0D\x20\x85\xA0\x{1680}\x{180E}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"#
    private static let directional = #"\x{61C}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}"#
    private static let invalid = #"\x{FFFE}\x{FEFF}\x{FFFF}"#
    private static let punctuation = #"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E"#
    private static let latinAccent =
        #"\xC0-\xD6\xD8-\xF6\xF8-\x{24F}\x{253}\x{254}\x{256}\x{257}\x{259}\x{25B}\x{263}\x{268}\x{26F}\x{272}"#
        + #"\x{289}\x{28B}\x{2BB}\x{300}-\x{36F}\x{1E00}-\x{1EFF}"#
    private static let cyrillic = #"\x{400}-\x{52F}\x{1C80}-\x{1C8F}\x{2DE0}-\x{2DFF}\x{A640}-\x{A69F}"#

    private static let hashtagLetter = #"\p{L}\p{M}\x{F870}-\x{F87F}\x{F882}\x{F884}-\x{F89F}\x{F8B8}\x{F8C1}-\x{F8D6}"#
    private static let hashtagCharacter =
        hashtagLetter + #"\p{Nd}_\x{200C}\x{200D}\x{A67E}\x{5BE}\x{5F3}\x{5F4}\x{FF5E}\x{301C}\x{309B}\x{309C}\x{30A0}"#
        + #"\x{30FB}\x{3003}\x{F0B}\x{F0C}\xB7"#

    private static let label = "[^\(directional)\(punctuation)\(space)\(invalid)\\x00-\\x1F\\x7F]"
    private static let topLevel: String = {
        let names = (TopLevelDomains.country + " " + TopLevelDomains.generic).split(whereSeparator: \.isWhitespace)
        let longestFirst = names.sorted { $0.unicodeScalars.count > $1.unicodeScalars.count }
        let known = longestFirst.map { "(?i:\($0))" }.joined(separator: "|")
        return #"(?:(?:\#(known))(?=[^0-9a-zA-Z@+\-]|\z)|[xX][nN]--[\-0-9a-zA-Z]+)"#
    }()
    private static let domain =
        #"(?:(?:\#(label)(?:[_\-]|\#(label))*)?\#(label)\.)*(?:(?:\#(label)(?:-|\#(label))*)?\#(label)\.)\#(topLevel)"#
    private static let path: String = {
        let general = #"[a-zA-Z0-9!*';:=+,.$/%#\[\]\p{Pd}_~&|@\#(cyrillic)\#(latinAccent)]"#
        let parentheses = #"\((?:\#(general)+|\#(general)*\(\#(general)+\)\#(general)*)\)"#
        let ending = #"(?:[a-zA-Z0-9=_#/+\-\#(cyrillic)\#(latinAccent)]|\#(parentheses))"#
        return "(?:\(general)*(?:\(parentheses)\(general)*)*\(ending)|\(general)+/)"
    }()
    private static let query = #"\?[a-zA-Z0-9!?*'();:&=+$/%#\[\]\-_.,~|@]*[a-zA-Z0-9_&=#/\-]"#

    private let hashtag = Pattern(
        #"(\A|\x{FE0E}|\x{FE0F}|[^&\#(hashtagCharacter)])([#＃](?![\x{FE0F}\x{20E3}])[\#(hashtagCharacter)]*"#
            + #"[\#(hashtagLetter)][\#(hashtagCharacter)]*)"#)
    private let hashtagEnd = Pattern(#"\A(?:[#＃]|://)"#)
    private let mention = Pattern(
        #"([^a-zA-Z0-9_!#$%&*@＠]|\A|(?:\A|[^a-zA-Z0-9_+~.\-])[rR][tT]:?)([@＠]([a-zA-Z0-9_]{1,20})(/[a-zA-Z]"#
            + #"[a-zA-Z0-9_\-]{0,24})?)"#)
    private let mentionEnd = Pattern(#"\A(?:[@＠\#(latinAccent)]|://)"#)
    private let cashtag = Pattern(
        #"(\A|[\#(space)\#(directional)])(\$[a-zA-Z]{1,6}(?:[._][a-zA-Z]{1,2})?)(?=\z|[\#(space)\#(punctuation)])"#)
    private let url = Pattern(
        #"([^A-Za-z0-9@＠$#＃\#(invalid)]|\A)((https?://)?(\#(domain))(?::[0-9]+)?(/\#(path)*)?(?:\#(query))?)"#
            .replacing("https?", with: "[hH][tT][tT][pP][sS]?"))
    private let asciiDomain = Pattern(#"(?:[a-zA-Z0-9\-_\#(latinAccent)]+\.)+\#(topLevel)"#)
    private let shortened = Pattern(#"\A[hH][tT][tT][pP][sS]?://[tT]\.[cC][oO]/([a-zA-Z0-9]+)(?:\#(query))?"#)

    /// In UTF-16 code units.
    func hashtags(in text: String) -> [Range<Int>] {
        hashtag.matches(in: text).compactMap { match in
            hashtagEnd.matches(in: text, from: match[0]!.upperBound).isEmpty ? match[2] : nil
        }
    }

    func mentions(in text: String) -> [Range<Int>] {
        mention.matches(in: text).compactMap { match in
            mentionEnd.matches(in: text, from: match[0]!.upperBound).isEmpty ? match[2] : nil
        }
    }

    func cashtags(in text: String) -> [Range<Int>] { cashtag.matches(in: text).compactMap { $0[2] } }

    func urls(in text: String) -> [Range<Int>] {
        url.matches(in: text).flatMap { match -> [Range<Int>] in
            guard let address = match[2], let domain = match[4] else { return [] }
            if match[3] != nil {
                return isEncodable(domain, in: text) ? [withoutTail(address, in: text)].compactMap { $0 } : []
            }
            if let before = match[1], "-_./".contains(text.piece(before)), !before.isEmpty { return [] }
            let asciiDomains = asciiDomain.matches(in: text, from: domain.lowerBound, to: domain.upperBound)
            var domains = asciiDomains.compactMap { $0[0] }.filter { isEncodable($0, in: text) }
            if match[5] != nil, let last = domains.popLast() { domains.append(last.lowerBound..<address.upperBound) }
            return domains
        }
    }

    /// The one rule that is no pattern, and has tests of its own.
    private func isEncodable(_ domain: Range<Int>, in text: String) -> Bool {
        let points = CodePoints(text.piece(domain))
        return InternationalDomain.growth(of: 0..<points.count, in: points) != nil
    }

    private func withoutTail(_ address: Range<Int>, in text: String) -> Range<Int>? {
        guard let match = shortened.matches(in: text, from: address.lowerBound, to: address.upperBound).first else {
            return address
        }
        return match[1]!.count > 40 ? nil : match[0]
    }
}

/// A regular expression whose `\A` and `\z` are the ends of the part that is looked at.
private struct Pattern {
    private let expression: NSRegularExpression

    init(_ pattern: String) {
        do {
            expression = try NSRegularExpression(pattern: pattern)
        } catch {
            preconditionFailure("\(error) in \(pattern)")
        }
    }

    /// The groups of each match, nil where one takes no part.
    func matches(in text: String, from start: Int = 0, to end: Int? = nil) -> [[Range<Int>?]] {
        let range = NSRange(location: start, length: (end ?? text.utf16.count) - start)
        return expression.matches(in: text, range: range).map { match in
            (0..<match.numberOfRanges).map { Range(match.range(at: $0)) }
        }
    }
}

extension String {
    /// A part of the text by offsets in UTF-16 code units.
    fileprivate func piece(_ range: Range<Int>) -> String {
        String(decoding: utf16.dropFirst(range.lowerBound).prefix(range.count), as: UTF16.self)
    }
}
