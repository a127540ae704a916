/// The postings of one term in a stored block, decoded one by one as they are asked for, from the newest down.
final class PackedPostings: TermPostings {
    private var reader: PackedReader
    private var remaining: Int
    private var current: Int
    /// Where the current posting's positions are, and how many.
    private var positions = 0..<0
    private var positionCount = 0
    private let hasPositions: Bool
    let estimate: Int

    /// - Parameters:
    ///   - bytes: a verified chunk.
    ///   - count: tweets in the block.
    init(_ bytes: [UInt8], _ found: TermChunk.Found, hasPositions: Bool, count: Int) {
        reader = PackedReader(bytes, found.postings)
        remaining = found.documents
        estimate = found.documents
        current = count
        self.hasPositions = hasPositions
    }

    func advance(to limit: Int) throws -> Int {
        while current > max(limit, -1) { current = try next() }
        return current
    }

    private func next() throws(PackedBlockError) -> Int {
        guard remaining > 0 else { return -1 }
        remaining -= 1
        let head = try reader.count(atMost: MemorySegment.maxCapacity * 2)
        let gap = hasPositions ? head >> 1 : head
        guard gap < current else { throw .damaged("a posting lies before the first tweet") }
        if hasPositions { try passPositions(areMany: head & 1 == 1) }
        return current - 1 - gap
    }

    private func passPositions(areMany: Bool) throws(PackedBlockError) {
        positionCount = areMany ? try reader.count(atMost: MemorySegment.maxPosition) + 2 : 1
        let start = reader.index
        try reader.skipVarints(positionCount)
        positions = start..<reader.index
    }

    func positions(into found: inout [Int]) throws {
        var reader = PackedReader(reader.bytes, positions)
        var next = 0
        for _ in 0..<positionCount {
            let position = next + (try reader.count(atMost: MemorySegment.maxPosition))
            found.append(position)
            next = position + 1
        }
    }
}
