/// What a scanner found, before it is known whether it stays: strings are made only of what does.
enum FoundEntity {
    case url(URLScanner.Match)
    case hashtag(Range<Int>)
    case cashtag(Range<Int>)
    case mention(MentionScanner.Match)

    var range: Range<Int> {
        switch self {
        case .url(let match): match.range
        case .hashtag(let range), .cashtag(let range): range
        case .mention(let match): match.range
        }
    }

    func entity(in text: CodePoints, utf16Range: Range<Int>) -> Entity {
        let kind: Entity.Kind
        let name: String
        var slug = ""
        switch self {
        case .url(let match):
            kind = .url
            name = text.string(match.head) + text.string(match.tail)
        case .hashtag(let range):
            kind = .hashtag
            name = text.string(range.dropFirst())
        case .cashtag(let range):
            kind = .cashtag
            name = text.string(range.dropFirst())
        case .mention(let match):
            kind = match.slug.isEmpty ? .mention : .list
            name = text.string(match.name)
            slug = text.string(match.slug)
        }
        return Entity(kind: kind, text: name, listSlug: slug, range: range, utf16Range: utf16Range)
    }
}

extension [FoundEntity] {
    /// - Precondition: The ranges are in order and apart, so that one walk over the text finds all UTF-16 offsets.
    func entities(in text: CodePoints) -> [Entity] {
        var ruler = UTF16Ruler(text: text)
        return map { found in
            let lower = ruler.offset(of: found.range.lowerBound)
            let upper = ruler.offset(of: found.range.upperBound)
            return found.entity(in: text, utf16Range: lower..<upper)
        }
    }
}
