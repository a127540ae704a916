/// The search index of one partition: the newest tweets in memory, the others in stored blocks.
///
/// A value: who searches copies it under the lock and goes on without it. It does no I/O. Full segments wait in
/// `sealed` until the caller has stored them as blocks, and stay searchable meanwhile:
///
///     let block = PackedBlock(index.sealed[0])     // off the lock: a segment is a value
///     store(block.rows)
///     index.blockStored(block.summary)             // the segment goes, the block is searched in its place
///
/// After a restart it begins with the blocks that are stored, and the log's tail is added again.
struct PartitionIndex: Sendable {
    static let defaultSegmentCapacity = 2048

    /// Names what copies of one index have in common: the blocks that it was first made of.
    final class Loading: Sendable {}

    let loadedAs = Loading()
    private let segmentCapacity: Int
    private var active = MemorySegment()
    /// Full, not yet stored; the oldest first.
    private(set) var sealed: [MemorySegment] = []
    /// The oldest first.
    private(set) var blocks: [StoredBlock]

    /// - Parameters:
    ///   - segmentCapacity: tweets a segment, and so a block; at most `MemorySegment.maxCapacity`.
    ///   - blocks: the stored ones, ascending, none overlapping another.
    init(segmentCapacity: Int = PartitionIndex.defaultSegmentCapacity, blocks: [StoredBlock] = []) {
        precondition((1...MemorySegment.maxCapacity).contains(segmentCapacity), "no segment has this size")
        precondition(blocks.allSatisfy { $0.count > 0 && $0.minId <= $0.maxId }, "a block is empty")
        precondition(zip(blocks, blocks.dropFirst()).allSatisfy { $0.maxId < $1.minId }, "the blocks overlap")
        self.segmentCapacity = segmentCapacity
        self.blocks = blocks
    }

    /// The newest id that is indexed.
    var newestId: UInt64? {
        if !active.isEmpty { return active.maxId }
        return sealed.last?.maxId ?? blocks.last?.maxId
    }

    /// Indexes a tweet.
    ///
    /// - Returns: false when its id is not above all others: the log's tail is replayed over what is stored already.
    @discardableResult
    mutating func add(_ tweet: IndexedTweet) -> Bool {
        if let newestId, tweet.id <= newestId { return false }
        active.add(tweet)
        if active.count == segmentCapacity { seal() }
        return true
    }

    /// Closes the segment that tweets are added to, full or not; an empty one stays.
    mutating func seal() {
        guard !active.isEmpty else { return }
        sealed.append(active)
        active = MemorySegment()
    }

    /// The oldest sealed segment is stored as this block. Said again, it changes nothing.
    mutating func blockStored(_ block: StoredBlock) {
        guard let oldest = sealed.first, oldest.minId == block.minId else {
            precondition(blocks.contains(block), "this block is of no sealed segment")
            return
        }
        precondition(oldest.maxId == block.maxId && oldest.count == block.count, "the block is not its segment's")
        sealed.removeFirst()
        blocks.append(block)
    }

    /// The tweets that fit, newest first; as the index is now.
    ///
    /// - Parameters:
    ///   - range: ids to look at: up to the last page's end, from the oldest day on.
    ///   - likes: asked last, and only for tweets that fit otherwise.
    func candidates(
        _ plan: SearchPlan, range: Range<UInt64> = SearchPlan.allIds, source: any BlockSource,
        likes: @escaping (UInt64) throws -> Int64
    ) -> CandidateStream {
        let segments = active.isEmpty ? sealed : sealed + [active]
        return CandidateStream(
            plan, in: PartitionUnits(segments, blocks, source: source), range: range, likes: likes)
    }

    /// Bytes that segments in memory hold, slack included.
    var heapBytes: Int { sealed.reduce(active.heapBytes) { $0 + $1.heapBytes } }
}
