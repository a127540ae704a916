/// The number of a partition, 0..<16,384. Which of them exist says `Partitioning`; a number from outside is checked
/// there.
public struct PartitionId: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Partition numbers have 14 bits in an id (rule A1).
    public static let limit = 1 << 14

    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }

    public static func < (left: PartitionId, right: PartitionId) -> Bool {
        left.rawValue < right.rawValue
    }
}
