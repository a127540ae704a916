import Cluster
import Messages
import Storage

/// What evaluating a command gives: the rows it changes, what others need to hear of it, and the ids it may use.
/// Used by one thread, for one evaluation.
public final class Evaluation {
    /// How far the partition's log was when the evaluation began.
    public struct LogPosition: Sendable {
        /// Which life of the log (rule D3).
        public var incarnation: UInt64
        /// Entries up to here are in `rows`; later ones may be.
        public var appliedIndex: UInt64
    }

    /// The partition's rows, with what this evaluation has changed so far.
    public let rows: Transaction
    public let partition: PartitionId
    public let log: LogPosition
    /// Unix ms, the same for all that this evaluation writes.
    public let nowMs: UInt64
    /// As many as the command asked for, ascending.
    public let ids: [Id]
    public private(set) var events: [Event] = []

    init(rows: Transaction, partition: PartitionId, log: LogPosition, nowMs: UInt64, ids: [Id]) {
        self.rows = rows
        self.partition = partition
        self.log = log
        self.nowMs = nowMs
        self.ids = ids
    }

    /// Tells another partition; it arrives there exactly once, after this command is applied here.
    public func tell(_ destination: PartitionId, _ kind: EventKind, _ body: some WireMessage) {
        events.append(
            .with {
                $0.destination = UInt32(destination.rawValue)
                $0.kind = kind.rawValue
                $0.body = body.encode()
            })
    }

    /// Tells this node's observers of the log, once this command is applied; and again after a restart, as long as
    /// they need it (`AppliedObserver.floor`).
    public func note(_ kind: EventKind, _ body: some WireMessage) {
        events.append(
            .with {
                $0.destination = Event.observersOnly
                $0.kind = kind.rawValue
                $0.body = body.encode()
            })
    }
}

extension Event {
    /// The destination of a note: it goes nowhere.
    public static let observersOnly = UInt32.max
}

/// A change to one partition.
public struct Command: Sendable {
    /// Remembered with the answer for 24 hours; nil for what the node does of its own accord.
    public var requestId: RequestId?
    public var latches: [Latch]
    /// How many new ids the evaluation needs, and what they must be above (rule A2).
    public var newIds: Int
    public var above: UInt64
    /// Reads rows, changes rows, answers; runs off the event loop. Whatever it throws refuses the command, and then
    /// nothing has changed (rule B6).
    public var evaluate: @Sendable (Evaluation) throws -> [UInt8]

    public init(
        requestId: RequestId?, latches: [Latch], newIds: Int = 0, above: UInt64 = 0,
        evaluate: @escaping @Sendable (Evaluation) throws -> [UInt8]
    ) {
        self.requestId = requestId
        self.latches = latches
        self.newIds = newIds
        self.above = above
        self.evaluate = evaluate
    }
}

/// A command's answer, committed and applied.
public struct Outcome: Sendable {
    public var answer: [UInt8]
    /// The log index it was applied with; 0 when nothing had to be written or the answer was remembered.
    public var index: UInt64
    public var incarnation: UInt64
    /// Partitions that will hear of it.
    public var destinations: [PartitionId]
    /// The answer had been given before, to the same request id.
    public var wasRemembered: Bool
}
