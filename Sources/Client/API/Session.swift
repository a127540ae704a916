import Cluster
import Messages
import Synchronization

/// A user's proof of identity, and what this user has written lately, so that the reads that follow see it (P8).
public final class Session: Sendable {
    public let userId: Id
    public let name: String
    public let region: String
    public let token: [UInt8]
    public let expires: Timestamp
    private let seen: Mutex<SeenWrites>

    init(_ reply: SessionReply) {
        userId = Id(rawValue: reply.userId)
        name = reply.name
        region = reply.region
        token = reply.token
        expires = Timestamp(unixMs: reply.expiresMs)
        seen = Mutex(SeenWrites())
    }

    /// A stored session.
    public init(_ record: SessionRecord) {
        userId = record.userId
        name = record.name
        region = record.region
        token = record.token
        expires = record.expiresAt
        seen = Mutex(SeenWrites(entries: record.seen))
    }

    /// What to store of it.
    public var record: SessionRecord {
        SessionRecord(
            name: name, userId: userId, region: region, token: token, expiresAt: expires,
            seen: seen.withLock { $0.entries })
    }

    /// Where calls with this session go: the node of this partition proves the session.
    var partition: PartitionId { userId.partition }

    func remember(_ list: SeenList, nowMs: UInt64) { seen.withLock { $0.remember(list, nowMs: nowMs) } }

    /// The encoded `SeenList` of what is young enough to matter, nil when there is none.
    func seenList(nowMs: UInt64) -> [UInt8]? { seen.withLock { $0.list(nowMs: nowMs) }?.encode() }
}

/// The newest writes of a session that may still be on their way to other partitions.
struct SeenWrites: Sendable {
    /// A stream that takes longer than this is in trouble; a read would only wait in vain.
    static let lifetimeMs: UInt64 = 60_000
    /// Bounds what every read carries.
    static let limit = 32

    private(set) var entries: [SeenWrite]

    init(entries: [SeenWrite] = []) { self.entries = entries }

    mutating func remember(_ list: SeenList, nowMs: UInt64) {
        for seen in list.seen {
            // The newest index of a stream covers the older ones.
            entries.removeAll {
                $0.source == seen.source && $0.destination == seen.destination
                    && ($0.incarnation, $0.index) <= (seen.incarnation, seen.index)
            }
            entries.append(SeenWrite(seen, atMs: nowMs))
        }
        drop(nowMs: nowMs)
    }

    mutating func list(nowMs: UInt64) -> SeenList? {
        drop(nowMs: nowMs)
        guard !entries.isEmpty else { return nil }
        return .with { list in list.seen = entries.map(\.message) }
    }

    private mutating func drop(nowMs: UInt64) {
        entries.removeAll { $0.atMs + Self.lifetimeMs < nowMs }
        if entries.count > Self.limit { entries.removeFirst(entries.count - Self.limit) }
    }
}

/// One write on its way from a partition to another, and when this session made it.
public struct SeenWrite: Codable, Hashable, Sendable {
    var source: UInt32
    var destination: UInt32
    var incarnation: UInt64
    var index: UInt64
    var atMs: UInt64

    enum CodingKeys: String, CodingKey {
        case source, destination, incarnation, index
        case atMs = "at_ms"
    }

    init(_ message: Seen, atMs: UInt64) {
        source = message.source
        destination = message.destination
        incarnation = message.incarnation
        index = message.index
        self.atMs = atMs
    }

    var message: Seen {
        .with {
            $0.source = source
            $0.destination = destination
            $0.incarnation = incarnation
            $0.index = index
        }
    }
}
