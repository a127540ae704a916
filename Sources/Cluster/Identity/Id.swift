/// The id of a user, a tweet or a medium: `0 | 41 bits ms since 2026-01-01Z | 14 bits partition | 8 bits sequence`
/// (rule A1).
///
/// Ids sort by time and name the partition that owns the thing. As text an id is a decimal number.
/// The layout is Snowflake's (Twitter, 2010) with the partition in the place of a worker number.
public struct Id: RawRepresentable, Hashable, Comparable, Sendable {
    /// 2026-01-01T00:00:00Z in unix milliseconds; 41 bits of milliseconds reach from there to the year 2095.
    public static let epochMs: UInt64 = 1_767_225_600_000
    /// The largest millisecond count after `epochMs` that an id can hold.
    public static let maximumOffsetMs: UInt64 = 1 << 41 - 1
    /// How far an id may be ahead of a clock, borrowed milliseconds included (rule A2).
    public static let maximumLeadMs: UInt64 = 1000

    static let sequenceBits: UInt64 = 8
    static let timeShift: UInt64 = 22

    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The id of a moment, a partition and a number within both.
    ///
    /// - Parameter unixMs: from `epochMs` on, and at most `maximumOffsetMs` after it.
    public init(unixMs: UInt64, partition: PartitionId, sequence: UInt8) {
        precondition(
            unixMs >= Id.epochMs && unixMs - Id.epochMs <= Id.maximumOffsetMs,
            "the time \(unixMs) does not fit in an id")
        precondition(partition.rawValue < PartitionId.limit, "the partition \(partition) does not fit in an id")
        rawValue =
            (unixMs - Id.epochMs) << Id.timeShift | UInt64(partition.rawValue) << Id.sequenceBits | UInt64(sequence)
    }

    /// When it was made, in unix milliseconds.
    public var unixMs: UInt64 { offsetMs + Id.epochMs }

    /// The partition that made it and owns what it names.
    public var partition: PartitionId {
        PartitionId(UInt16(truncatingIfNeeded: rawValue >> Id.sequenceBits) & UInt16(PartitionId.limit - 1))
    }

    public var sequence: UInt8 { UInt8(truncatingIfNeeded: rawValue) }

    /// Milliseconds after `epochMs`. A raw value from outside may have its top bit set; that bit is not time.
    var offsetMs: UInt64 { rawValue >> Id.timeShift & Id.maximumOffsetMs }

    /// Whether a member with this clock must refuse an entry that holds the id (rule A2).
    public func isTooFarAhead(ofMs nowMs: UInt64) -> Bool {
        unixMs > nowMs && unixMs - nowMs > Id.maximumLeadMs
    }

    public static func < (left: Id, right: Id) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Id: LosslessStringConvertible {
    public var description: String { String(rawValue) }

    /// Reads a decimal number: digits only, no sign, no leading zero, below 2⁶³; nil for anything else.
    public init?(_ description: String) {
        guard let value = UInt64(description), value < 1 << 63, String(value) == description else { return nil }
        self.init(rawValue: value)
    }
}
