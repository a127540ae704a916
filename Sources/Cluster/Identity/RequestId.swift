/// Names a command, so that a retry of it is known as one (rule B3). It carries its time: after `lifetimeMs` it is
/// refused.
public struct RequestId: Hashable, Comparable, Sendable {
    /// How long a request id and its answer are remembered: 24 hours.
    public static let lifetimeMs: UInt64 = 24 * 60 * 60 * 1000

    /// Unix milliseconds; `.max` for an id that does not expire.
    public var timeMs: UInt64
    public var random: UInt64

    public init(timeMs: UInt64, random: UInt64) {
        self.timeMs = timeMs
        self.random = random
    }

    /// Reads what `bytes` gave; nil unless there are 16.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        timeMs = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        random = bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// An id that does not expire, for a line of an import: the same parts give the same id for ever (rule B3).
    public static func permanent(hash parts: UInt64...) -> RequestId {
        RequestId(timeMs: .max, random: Checksum.xxh3(parts.flatMap(\.bigEndianBytes)))
    }

    /// The `n`th of the ids of a command that goes to several partitions (rule B3); the same time, so it expires with
    /// it.
    public func derived(_ n: UInt64) -> RequestId {
        RequestId(timeMs: timeMs, random: Checksum.xxh3(bytes + n.bigEndianBytes))
    }

    public var isPermanent: Bool { timeMs == .max }

    /// Whether it is too old to be known still.
    public func isExpired(nowMs: UInt64) -> Bool {
        !isPermanent && nowMs > timeMs && nowMs - timeMs > RequestId.lifetimeMs
    }

    /// 16 bytes, big-endian, so that they sort by time.
    public var bytes: [UInt8] { timeMs.bigEndianBytes + random.bigEndianBytes }

    public static func < (left: RequestId, right: RequestId) -> Bool {
        (left.timeMs, left.random) < (right.timeMs, right.random)
    }
}

extension UInt64 {
    /// Its eight bytes, the highest first.
    var bigEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) }
    }
}
