/// Makes the cursor of a plan over one segment or block.
///
/// What cannot match is found out with as few look-ups as it takes: nothing is looked up where one of the parts that
/// must all fit is known to be absent; else those that were rarest so far come first, and one that is absent ends it.
struct CursorBuilder {
    let unit: any SearchUnit
    let likes: (UInt64) throws -> Int64
    /// How often terms were seen in the units before this one.
    private(set) var frequencies: TermFrequencies

    init(_ unit: any SearchUnit, likes: @escaping (UInt64) throws -> Int64, frequencies: TermFrequencies) {
        self.unit = unit
        self.likes = likes
        self.frequencies = frequencies
    }

    /// Nil when nothing in the unit fits.
    mutating func cursor(_ node: SearchPlan.Node) throws -> (any PostingCursor)? {
        switch node {
        case .term(let term): return try postings(of: term)
        case .phrase(let terms): return try phrase(terms)
        case .ids(let range): return try ordinals(of: range)
        case .minLikes(let least):
            let likes = likes
            return PredicateCursor(unit) { try likes($0) >= least }
        case .not(let part):
            guard let excluded = try cursor(part) else { return all }
            return excluded is OrdinalRange && excluded.estimate == unit.count
                ? nil : ComplementCursor(of: excluded, in: all)
        case .all(let parts): return try conjunction(parts)
        case .any(let parts):
            let cursors = try parts.compactMap { try cursor($0) }
            return cursors.count > 1 ? UnionCursor(cursors) : cursors.first
        }
    }

    private var all: OrdinalRange { OrdinalRange(0...unit.count - 1) }

    private mutating func postings(of term: IndexTerm) throws -> (any TermPostings)? {
        let postings = try unit.postings(of: term)
        frequencies.saw(term, in: postings?.estimate ?? 0)
        return postings
    }

    private mutating func phrase(_ terms: [IndexTerm]) throws -> (any PostingCursor)? {
        guard terms.allSatisfy(unit.mayHold) else { return nil }
        var found: [IndexTerm: any TermPostings] = [:]
        for term in Set(terms).sorted(by: { frequencies.isRarer($0, than: $1) }) {
            guard let postings = try postings(of: term) else { return nil }
            found[term] = postings
        }
        // A word that comes again shares its cursor: both stand on the same tweet, and positions move nothing.
        return PhraseCursor(terms.compactMap { found[$0] })
    }

    private func ordinals(of ids: Range<UInt64>) throws -> OrdinalRange? {
        guard !ids.isEmpty else { return nil }
        let ordinals = try unit.ordinal(from: ids.lowerBound)..<unit.ordinal(from: ids.upperBound)
        return ordinals.isEmpty ? nil : OrdinalRange(ordinals.lowerBound...ordinals.upperBound - 1)
    }

    /// Whether it is known without a look-up that nothing in the unit fits.
    private func isAbsent(_ node: SearchPlan.Node) -> Bool {
        switch node {
        case .term(let term): !unit.mayHold(term)
        case .phrase(let terms): !terms.allSatisfy(unit.mayHold)
        case .ids(let range): range.upperBound <= unit.minId || range.lowerBound > unit.maxId
        case .all(let parts): parts.contains(where: isAbsent)
        case .any(let parts): parts.allSatisfy(isAbsent)
        case .minLikes, .not: false
        }
    }

    private mutating func conjunction(_ parts: [SearchPlan.Node]) throws -> (any PostingCursor)? {
        // A time that the unit is outside of, or a word that it does not hold, costs no look-up at all.
        if parts.contains(where: isAbsent) { return nil }
        var required: [any PostingCursor] = []
        for part in parts.filter({ !$0.isExclusion }).sorted(by: { frequencies.isRarer($0, than: $1) }) {
            guard let cursor = try cursor(part) else { return nil }
            required.append(cursor)
        }
        if required.isEmpty { required.append(all) }
        var excluded: [any PostingCursor] = []
        for case .not(let part) in parts {
            if let cursor = try cursor(part) { excluded.append(cursor) }
        }
        return ConjunctionCursor(required, excluding: excluded)
    }
}

extension SearchPlan.Node {
    fileprivate var isExclusion: Bool {
        if case .not = self { true } else { false }
    }
}

/// How many tweets each term of a query had in the units that were opened for it: a guess at the next one's.
struct TermFrequencies {
    private var documents: [IndexTerm: Int] = [:]

    mutating func saw(_ term: IndexTerm, in count: Int) {
        documents[term, default: 0] += count
    }

    /// Among terms of which nothing is known, the longer one.
    func isRarer(_ left: IndexTerm, than right: IndexTerm) -> Bool {
        let counts = (documents[left] ?? 0, documents[right] ?? 0)
        if counts.0 != counts.1 { return counts.0 < counts.1 }
        if left.bytes.count != right.bytes.count { return left.bytes.count > right.bytes.count }
        return left < right
    }

    /// Terms and phrases, by their rarest, before what takes more look-ups; ranges and predicates end nothing.
    func isRarer(_ left: SearchPlan.Node, than right: SearchPlan.Node) -> Bool {
        switch (rarest(left), rarest(right)) {
        case (let left?, let right?): isRarer(left, than: right)
        case (_?, nil): true
        case (nil, _): false
        }
    }

    private func rarest(_ node: SearchPlan.Node) -> IndexTerm? {
        switch node {
        case .term(let term): term
        case .phrase(let terms): terms.min { isRarer($0, than: $1) }
        case .ids, .minLikes, .not, .all, .any: nil
        }
    }
}
