/// What `filter:` can ask for.
enum SearchFilter: String, CaseIterable, Sendable {
    case links
    case media
    case replies
}

/// A search as it was meant: operators applied, words folded (rule F6).
///
/// `all` and `any` hold at least two parts, and none of their own kind; `not` holds no `not`; a phrase has at least
/// two words. What one writes in two ways is thus equal, and `description` is one text for it.
indirect enum SearchQuery: Equatable, Sendable {
    /// One folded word.
    case word(String)
    /// Folded words that follow one another.
    case phrase([String])
    /// Folded names, without signs.
    case hashtag(String)
    case cashtag(String)
    case mention(String)
    case from(String)
    case to(String)
    case filter(SearchFilter)
    /// In lower case.
    case language(String)
    /// From this day on.
    case since(CalendarDay)
    /// Before this day.
    case until(CalendarDay)
    case minLikes(Int64)
    case not(SearchQuery)
    case all([SearchQuery])
    case any([SearchQuery])

    static let maxCharacters = 512
    /// Words of phrases count one each.
    static let maxTerms = 32
    /// Groups and exclusions inside one another.
    static let maxDepth = 16

    /// Reads what a person typed; `SearchQueryParser` states the language.
    init(parsing text: String) throws(SearchQueryError) {
        var parser = try SearchQueryParser(text)
        self = try parser.parse()
    }

    // MARK: Making

    static func conjunction(_ parts: [SearchQuery]) -> SearchQuery {
        let flat = parts.flatMap { part in
            if case .all(let inner) = part { inner } else { [part] }
        }
        return flat.count == 1 ? flat[0] : .all(flat)
    }

    static func disjunction(_ parts: [SearchQuery]) -> SearchQuery {
        let flat = parts.flatMap { part in
            if case .any(let inner) = part { inner } else { [part] }
        }
        return flat.count == 1 ? flat[0] : .any(flat)
    }

    static func negation(_ part: SearchQuery) -> SearchQuery {
        if case .not(let inner) = part { inner } else { .not(part) }
    }
}

/// The canonical text. It parses to an equal query, as long as it keeps within the limits.
extension SearchQuery: CustomStringConvertible {
    var description: String {
        switch self {
        case .word(let word): word
        case .phrase(let words): "\"" + words.joined(separator: " ") + "\""
        case .hashtag(let name): "#" + name
        case .cashtag(let name): "$" + name
        case .mention(let name): "@" + name
        case .from(let name): "from:" + name
        case .to(let name): "to:" + name
        case .filter(let filter): "filter:" + filter.rawValue
        case .language(let language): "lang:" + language
        case .since(let day): "since:\(day)"
        case .until(let day): "until:\(day)"
        case .minLikes(let count): "min_likes:\(count)"
        case .not(let part): "-" + part.grouped
        case .all(let parts):
            parts.map { if case .any = $0 { $0.grouped } else { $0.description } }.joined(separator: " ")
        case .any(let parts): parts.map(\.description).joined(separator: " OR ")
        }
    }

    private var grouped: String {
        switch self {
        case .all, .any: "(" + description + ")"
        default: description
        }
    }
}
