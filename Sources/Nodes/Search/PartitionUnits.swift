/// The segments and blocks of a partition, from the newest to the oldest, as they were at one moment.
struct PartitionUnits {
    /// The oldest first, none empty.
    private var segments: ArraySlice<MemorySegment>
    private var blocks: ArraySlice<StoredBlock>
    private let source: any BlockSource

    init(_ segments: [MemorySegment], _ blocks: [StoredBlock], source: any BlockSource) {
        self.segments = segments[...]
        self.blocks = blocks[...]
        self.source = source
    }

    /// The newest that is left and holds an id below the limit; those above it are passed over, unread.
    mutating func next(below limit: UInt64) -> (any SearchUnit)? {
        while let segment = segments.popLast() {
            if segment.minId < limit { return segment }
        }
        if let last = blocks.last, last.minId >= limit {
            blocks = blocks[..<blocks.partitioningIndex { $0.minId >= limit }]
        }
        return blocks.popLast().map { BlockReader($0, from: source) }
    }
}
