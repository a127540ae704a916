/// Why a partition cannot give an id now.
public enum IdSequencerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The next id would be `leadMs` ahead of the clock; more than `Id.maximumLeadMs` is refused (rule A2).
    case tooFarAhead(leadMs: UInt64)
    /// The 41 bits of milliseconds are used up.
    case exhausted

    public var description: String {
        switch self {
        case .tooFarAhead(let leadMs): "the next id would be \(leadMs) ms ahead of the clock"
        case .exhausted: "there are no ids left"
        }
    }
}

/// Hands out one partition's ids, each above all before it, however the clock jumps (rule A2). Pure: the time is a
/// parameter.
///
/// When the 256 ids of a millisecond are used, it borrows the next one. A clock that went back is followed from the
/// highest id on, until that is further ahead than a member would take.
public struct IdSequencer: Sendable {
    public let partition: PartitionId
    /// The highest id this partition has used or seen; 0 for none.
    public private(set) var highest: UInt64

    /// - Parameter highWater: the partition's stored high-water mark, 0 for none.
    public init(partition: PartitionId, highWater: UInt64) {
        self.partition = partition
        self.highest = highWater
    }

    /// An id above every one before it and above `above`. A failure changes nothing.
    ///
    /// - Parameters:
    ///   - nowMs: unix milliseconds.
    ///   - above: the highest id that the command names, so that a reply sorts after its parent.
    public mutating func next(nowMs: UInt64, above: UInt64 = 0) throws(IdSequencerError) -> Id {
        let nowOffset = nowMs > Id.epochMs ? nowMs - Id.epochMs : 0
        let (offset, sequence) = successor(of: max(highest, above), from: nowOffset)
        guard offset <= Id.maximumOffsetMs else { throw .exhausted }
        guard offset <= nowOffset + Id.maximumLeadMs else { throw .tooFarAhead(leadMs: offset - nowOffset) }
        let id = Id(unixMs: offset + Id.epochMs, partition: partition, sequence: sequence)
        highest = id.rawValue
        return id
    }

    /// Takes note of an id that the partition's log holds.
    public mutating func observe(_ id: UInt64) {
        highest = max(highest, id)
    }

    /// The least time and sequence from `nowOffset` on whose id in this partition is above `floor`.
    private func successor(of floor: UInt64, from nowOffset: UInt64) -> (offset: UInt64, sequence: UInt8) {
        let floorId = Id(rawValue: floor)
        // Not Id.offsetMs: a floor with its top bit set must stay out of reach, not wrap to an early time.
        let floorOffset = floor >> Id.timeShift
        if nowOffset > floorOffset || floor == 0 { return (nowOffset, 0) }
        if floorId.partition < partition { return (floorOffset, 0) }
        if floorId.partition == partition, floorId.sequence < UInt8.max { return (floorOffset, floorId.sequence + 1) }
        return (floorOffset + 1, 0)
    }
}
