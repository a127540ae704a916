@testable import Nodes

/// Stored blocks in memory, counting what is read.
final class MemoryBlocks: BlockSource {
    private var rows: [StoredBlock: [PackedBlock.Row]] = [:]
    private(set) var headersRead: [StoredBlock] = []
    private(set) var chunksRead: [StoredBlock] = []

    func store(_ block: PackedBlock) { rows[block.summary] = block.rows }

    func forgetReads() {
        headersRead = []
        chunksRead = []
    }

    func header(of block: StoredBlock) throws -> [UInt8] {
        headersRead.append(block)
        return rows[block]![0].value
    }

    func chunk(_ firstTerm: [UInt8], of block: StoredBlock) throws -> [UInt8] {
        chunksRead.append(block)
        return rows[block]!.first { $0.subkey == firstTerm }!.value
    }
}

/// Some partitions with tweets in them, and the model beside them.
struct SearchWorld {
    var random: SearchChance
    var indexes: [PartitionIndex]
    let blocks = MemoryBlocks()
    var model = SearchModel()
    /// Gone, but still in the index: rule F6.
    var deleted: Set<UInt64> = []
    private var nowMs = SearchChance.firstDayMs - 43_200_000
    private var sequence: UInt64 = 0

    init(seed: UInt64, partitions: Int, segmentCapacity: Int) {
        random = SearchChance(seed: seed)
        indexes = (0..<partitions).map { _ in PartitionIndex(segmentCapacity: segmentCapacity) }
    }

    mutating func add() {
        let partition = random.below(indexes.count)
        nowMs += UInt64(random.below(2_000_000))
        sequence = (sequence + 1) % 256
        // A thousand ids of one millisecond cannot come: the clock moves on with the sequence.
        if sequence == 0 { nowMs += 1 }
        let tweet = random.tweet(id: nowMs << 22 | UInt64(partition) << 8 | sequence)
        indexes[partition].add(tweet)
        model.add(tweet)
    }

    mutating func storeOldest(of partition: Int) {
        guard let segment = indexes[partition].sealed.first else { return }
        let block = PackedBlock(segment)
        blocks.store(block)
        indexes[partition].blockStored(block.summary)
    }

    /// Tweets come, segments are sealed early, some are stored, some tweets are deleted.
    mutating func live(steps: Int) {
        for _ in 0..<steps {
            add()
            let partition = random.below(indexes.count)
            if random.percent(4) { indexes[partition].seal() }
            if random.percent(10) { storeOldest(of: partition) }
            if random.percent(5) { deleted.insert(random.pick(model.tweets).id) }
        }
    }

    /// - Parameter steps: for which there is time.
    func page(
        _ query: SearchQuery, limit: Int, budget: Int = .max, steps: Int = .max,
        in range: Range<UInt64> = SearchPlan.allIds
    ) throws -> MergedSearch.Page {
        var stepsLeft = steps
        let isTimeOver = {
            stepsLeft -= 1
            return stepsLeft < 0
        }
        let plan = SearchPlan(query)
        let streams = indexes.map { $0.candidates(plan, range: range, source: blocks, likes: SearchModel.likes) }
        return try MergedSearch(streams, range: range).page(
            limit: limit, budget: budget, isTimeOver: isTimeOver, accept: { !deleted.contains($0) })
    }

    func expected(_ query: SearchQuery, in range: Range<UInt64> = SearchPlan.allIds) -> [UInt64] {
        model.ids(query, in: range).filter { !deleted.contains($0) }
    }
}
