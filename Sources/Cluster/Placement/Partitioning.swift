/// Why numbers do not make a partitioning.
public enum PartitioningError: Error, Hashable, Sendable, CustomStringConvertible {
    case count(Int)
    case moreRegionsThanPartitions(regions: Int, partitions: Int)
    case noRegion
    case duplicateRegion(String)
    /// The ranges do not follow each other from 0 to the count.
    case ranges

    public var description: String {
        switch self {
        case .count(let count): "the number of partitions must be a power of two from 1 to 16384, not \(count)"
        case .moreRegionsThanPartitions(let regions, let partitions):
            "\(partitions) partitions cannot be split among \(regions) regions"
        case .noRegion: "there must be at least one region"
        case .duplicateRegion(let name): "the region \"\(name)\" is named twice"
        case .ranges: "the regions' partitions must follow each other without a gap, from the first to the last"
        }
    }
}

/// Which partition things belong to; a pure function of the number of partitions and the regions' ranges (rules A1, A3,
/// F1). Fixed when the cluster is created: ids hold what it answered.
public struct Partitioning: Hashable, Sendable {
    /// A power of two, at most 16,384.
    public let count: Int
    /// Ascending, without gaps, from partition 0 to the last.
    public let regions: [RegionRange]

    /// Takes ranges as they came from outside, if they cover all partitions.
    public init(count: Int, regions: [RegionRange]) throws(PartitioningError) {
        try Partitioning.check(count: count, names: regions.map(\.name))
        var next = 0
        for region in regions {
            guard region.indices.lowerBound == next, region.count > 0 else { throw .ranges }
            next = region.indices.upperBound
        }
        guard next == count else { throw .ranges }
        self.count = count
        self.regions = regions
    }

    /// Splits the partitions evenly, in the order of the names; the first ones get one more when it does not come out
    /// even.
    public init(count: Int, regionNames: [String]) throws(PartitioningError) {
        try Partitioning.check(count: count, names: regionNames)
        let share = count / regionNames.count
        let larger = count % regionNames.count
        regions = regionNames.enumerated().map { index, name in
            let first = index * share + min(index, larger)
            return RegionRange(name: name, first: UInt16(first), count: UInt16(share + (index < larger ? 1 : 0)))
        }
        self.count = count
    }

    /// The region that owns a partition; nil when there is no such partition.
    public func region(of partition: PartitionId) -> RegionRange? {
        regions.first { $0.contains(partition) }
    }

    public func region(named name: String) -> RegionRange? {
        regions.first { $0.name == name }
    }

    public func contains(_ partition: PartitionId) -> Bool {
        Int(partition.rawValue) < count
    }

    /// The partition of a username's directory row, or of a hashtag's counts.
    ///
    /// - Parameter foldedName: already folded (`Username.folded`).
    public func partition(ofName foldedName: String) -> PartitionId {
        let hash = Checksum.xxh3(Array(foldedName.utf8))
        return PartitionId(UInt16(truncatingIfNeeded: hash & UInt64(count - 1)))
    }

    /// The partition that logs a new user of a region (rule A3): the same for each retry of the request.
    public func homePartition(request: RequestId, region: RegionRange) -> PartitionId {
        pick(Checksum.xxh3(request.bytes), in: region)
    }

    /// The partition that sums a tweet's counts for a region (rule F1). A partition, not a node, so that it outlives
    /// moves.
    public func regionHome(of tweet: Id, region: RegionRange) -> PartitionId {
        pick(Checksum.xxh3(tweet.rawValue.bigEndianBytes), in: region)
    }

    private func pick(_ hash: UInt64, in region: RegionRange) -> PartitionId {
        PartitionId(region.first + UInt16(hash % UInt64(max(region.count, 1))))
    }

    private static func check(count: Int, names: [String]) throws(PartitioningError) {
        guard (1...PartitionId.limit).contains(count), count.nonzeroBitCount == 1 else { throw .count(count) }
        guard !names.isEmpty else { throw .noRegion }
        guard names.count <= count else {
            throw .moreRegionsThanPartitions(regions: names.count, partitions: count)
        }
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted { throw .duplicateRegion(name) }
    }
}
