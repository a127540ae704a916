/// The tweets of one partition that fit a query, newest first, found one step at a time.
///
/// It works on a copy of the partition's index, so it may run off the lock while tweets are added. What a step will
/// look at lies at or below `upperBound`: whoever merges streams takes a step only where the newest can be, and no
/// block is opened before it matters.
struct CandidateStream {
    /// What a step did.
    enum Step: Equatable {
        /// A segment or block was opened: some look-ups.
        case opened
        /// Postings were passed over, up to the next tweet that may fit or to the end.
        case advanced
        /// A tweet was looked at.
        case examined(matching: UInt64?)
    }

    private enum State {
        /// The unit lies ahead, unopened.
        case ahead(any SearchUnit)
        /// Tweets of the opened unit from this ordinal down are left.
        case open(any SearchUnit, any PostingCursor, below: Int)
        case over
    }

    private let plan: SearchPlan
    private let range: Range<UInt64>
    private let likes: (UInt64) throws -> Int64
    private var units: PartitionUnits
    private var frequencies = TermFrequencies()
    private var state = State.over
    /// No tweet to come has an id above it; nil when there are none to come.
    private(set) var upperBound: UInt64?

    /// - Parameters:
    ///   - range: ids that are wanted at all.
    ///   - likes: how often the tweet is liked; 0 for one that is gone.
    init(
        _ plan: SearchPlan, in units: PartitionUnits, range: Range<UInt64>,
        likes: @escaping (UInt64) throws -> Int64
    ) {
        self.plan = plan
        self.range = range.clamped(to: plan.bounds)
        self.units = units
        self.likes = likes
        goOn()
    }

    /// Does the least that brings the stream on. Each step lowers the bound, ends the stream, or opens something.
    ///
    /// - Throws: `DamagedBlock`, and what `likes` throws.
    mutating func step() throws -> Step? {
        switch state {
        case .over: return nil
        case .ahead(let unit):
            try DamagedBlock.naming(unit.minId) { try open(unit) }
            return .opened
        case .open(let unit, let cursor, let ordinal):
            return try DamagedBlock.naming(unit.minId) { try step(unit, cursor, below: ordinal) }
        }
    }

    private mutating func step(_ unit: any SearchUnit, _ cursor: any PostingCursor, below: Int) throws -> Step {
        let bound = upperBound
        let ordinal = try cursor.advance(to: below)
        try stand(at: ordinal, of: unit, cursor)
        // Only a tweet on which the bound stood already may be looked at: others may have newer ones.
        guard ordinal >= 0, let id = upperBound, id == bound else { return .advanced }
        let isMatch = try cursor.matches()
        try stand(at: ordinal - 1, of: unit, cursor)
        return .examined(matching: isMatch ? id : nil)
    }

    /// The ids are not read yet: postings that never meet do not need them.
    private mutating func open(_ unit: any SearchUnit) throws {
        var builder = CursorBuilder(unit, likes: likes, frequencies: frequencies)
        let cursor = try builder.cursor(plan.root)
        frequencies = builder.frequencies
        guard let cursor else { return goOn() }
        let below = try unit.ordinal(from: range.upperBound) - 1
        guard below >= 0 else { return goOn() }
        state = .open(unit, cursor, below: below)
    }

    private mutating func stand(at ordinal: Int, of unit: any SearchUnit, _ cursor: any PostingCursor) throws {
        guard ordinal >= 0 else { return goOn() }
        let id = try unit.ids()[ordinal]
        guard id >= range.lowerBound else { return end() }
        state = .open(unit, cursor, below: ordinal)
        upperBound = id
    }

    /// To the next older unit, which is not opened yet.
    private mutating func goOn() {
        guard !range.isEmpty, let unit = units.next(below: range.upperBound), unit.maxId >= range.lowerBound else {
            return end()
        }
        state = .ahead(unit)
        upperBound = min(unit.maxId, range.upperBound - 1)
    }

    private mutating func end() {
        state = .over
        upperBound = nil
    }
}
