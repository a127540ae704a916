import Cluster

/// A query made ready for any number of partitions: words became terms, days became ids.
struct SearchPlan: Sendable {
    indirect enum Node: Sendable {
        case term(IndexTerm)
        case phrase([IndexTerm])
        case ids(Range<UInt64>)
        case minLikes(Int64)
        case not(Node)
        case all([Node])
        case any([Node])
    }

    static let allIds: Range<UInt64> = 0..<1 << 63

    let root: Node
    /// No id outside can fit: what lies outside is not even opened. May be empty.
    let bounds: Range<UInt64>

    init(_ query: SearchQuery) {
        root = Self.node(query)
        bounds = Self.bounds(of: root)
    }

    private static func node(_ query: SearchQuery) -> Node {
        switch query {
        case .word(let word): .term(IndexTerm(.word, word))
        case .phrase(let words): .phrase(words.map { IndexTerm(.word, $0) })
        case .hashtag(let name): .term(IndexTerm(.hashtag, name))
        case .cashtag(let name): .term(IndexTerm(.cashtag, name))
        case .mention(let name): .term(IndexTerm(.mention, name))
        case .from(let name): .term(IndexTerm(.author, name))
        case .to(let name): .term(IndexTerm(.recipient, name))
        case .filter(let filter): .term(IndexTerm(.filter, filter.rawValue))
        case .language(let language): .term(IndexTerm(.language, language))
        case .since(let day): .ids(firstId(of: day)..<allIds.upperBound)
        case .until(let day): .ids(0..<firstId(of: day))
        case .minLikes(let count): .minLikes(count)
        case .not(let part): .not(node(part))
        case .all(let parts): .all(parts.map(node))
        case .any(let parts): .any(parts.map(node))
        }
    }

    /// The least id that a day's first moment can have. Days before the ids' time begin at 0, days after it nowhere.
    static func firstId(of day: CalendarDay) -> UInt64 {
        guard day.startMs > Int64(Id.epochMs) else { return 0 }
        let unixMs = UInt64(day.startMs)
        guard unixMs - Id.epochMs <= Id.maximumOffsetMs else { return allIds.upperBound }
        return Id(unixMs: unixMs, partition: PartitionId(0), sequence: 0).rawValue
    }

    private static func bounds(of node: Node) -> Range<UInt64> {
        switch node {
        case .ids(let range): range
        case .all(let parts): parts.reduce(allIds) { $0.clamped(to: bounds(of: $1)) }
        case .any(let parts): hull(parts.map(bounds).filter { !$0.isEmpty })
        case .not(.ids(let range)) where range.upperBound == allIds.upperBound: 0..<range.lowerBound
        case .not(.ids(let range)) where range.lowerBound == 0: range.upperBound..<allIds.upperBound
        case .term, .phrase, .minLikes, .not: allIds
        }
    }

    private static func hull(_ ranges: [Range<UInt64>]) -> Range<UInt64> {
        guard let first = ranges.first else { return 0..<0 }
        return ranges.dropFirst().reduce(first) {
            min($0.lowerBound, $1.lowerBound)..<max($0.upperBound, $1.upperBound)
        }
    }
}
