import Cluster
import DequeModule
import Messages

/// What one partition has to tell others, read from its log: a line for each destination, and how far each has got.
/// Pure; the receiver's stored cursor is the authority (rule D1).
public struct StreamOutbox: Sendable {
    private struct Pending: Sendable {
        var index: UInt64
        var event: Event
    }

    private struct Destination: Sendable {
        var line: Deque<Pending> = []
        /// The receiver's cursor as it last said; nil until it has said so since this outbox began or a call failed.
        var cursor: UInt64?
        var isInFlight = false
        /// The receiver knows another life of this log: nothing is sent until somebody reconciles the two (rule D3).
        var isForeign = false
    }

    public let source: PartitionId
    public let incarnation: UInt64
    private var destinations: [PartitionId: Destination] = [:]
    private var appliedIndex: UInt64

    public init(source: PartitionId, incarnation: UInt64, appliedIndex: UInt64) {
        self.source = source
        self.incarnation = incarnation
        self.appliedIndex = appliedIndex
    }

    /// Events that have not reached the partition they are for.
    public var backlog: Int { destinations.values.reduce(0) { $0 + $1.line.count } }

    /// Everything at or below has reached its destination; the log above it must stay.
    public var floor: UInt64 {
        destinations.values.compactMap { $0.line.first.map { $0.index - 1 } }.min() ?? appliedIndex
    }

    /// Destinations with something to hear.
    public var waiting: [PartitionId] {
        destinations.filter { !$0.value.line.isEmpty && !$0.value.isForeign }.keys.sorted()
    }

    /// An entry has been applied; only then are its events sent.
    /// - Returns: the destinations it has something for.
    public mutating func applied(index: UInt64, events: [Event]) -> [PartitionId] {
        appliedIndex = max(appliedIndex, index)
        var told: Set<PartitionId> = []
        for event in events {
            guard event.destination != Event.observersOnly else { continue }
            let destination = PartitionId(UInt16(truncatingIfNeeded: event.destination))
            destinations[destination, default: Destination()].line.append(Pending(index: index, event: event))
            told.insert(destination)
        }
        return told.sorted()
    }

    /// The next batch for a destination, or nil when it has nothing or one is on its way. Entries are never split.
    /// Until the cursor is known a batch only asks for it.
    public mutating func nextBatch(for destination: PartitionId, maxBytes: Int) -> StreamBatch? {
        guard var state = destinations[destination], !state.isInFlight, !state.isForeign,
            !state.line.isEmpty
        else { return nil }
        state.isInFlight = true
        destinations[destination] = state
        var batch = StreamBatch()
        batch.source = UInt32(source.rawValue)
        batch.destination = UInt32(destination.rawValue)
        batch.incarnation = incarnation
        guard let cursor = state.cursor else {
            batch.probe = true
            return batch
        }
        batch.from = cursor
        var bytes = 0
        for pending in state.line {
            if bytes >= maxBytes, pending.index != batch.to { break }
            bytes += pending.event.body.count + 16
            batch.to = pending.index
            batch.events.append(
                .with {
                    $0.index = pending.index
                    $0.kind = pending.event.kind
                    $0.body = pending.event.body
                })
        }
        return batch
    }

    /// Whether the cursor is of another life of this log, or names what this one no longer holds: it says nothing about
    /// what is here (rule D3).
    public func isForeign(_ cursor: StreamCursor) -> Bool {
        let isOfThisLife = cursor.incarnation == incarnation || (cursor.incarnation == 0 && cursor.index == 0)
        return !isOfThisLife || cursor.index > appliedIndex
    }

    /// The receiver has said how far it is.
    public mutating func answered(_ cursor: StreamCursor, by destination: PartitionId) {
        guard var state = destinations[destination] else { return }
        state.isInFlight = false
        if !isForeign(cursor) {
            state.cursor = cursor.index
            while let first = state.line.first, first.index <= cursor.index { state.line.removeFirst() }
        } else {
            state.cursor = nil
            state.isForeign = true
        }
        destinations[destination] = state.line.isEmpty && state.cursor == nil ? nil : state
    }

    /// No answer came: whether the batch was taken is unknown until the receiver is asked.
    public mutating func failed(_ destination: PartitionId) {
        destinations[destination]?.isInFlight = false
        destinations[destination]?.cursor = nil
    }
}

/// What a receiver does with a batch (rule D1). Pure.
public enum StreamInbox {
    public enum Decision: Equatable, Sendable {
        case take
        /// It is behind us or beyond us; the cursor says where we are.
        case refuse
    }

    public static func decide(stored: CursorRow?, batch: StreamBatch) -> Decision {
        let row = stored ?? CursorRow.with { $0.incarnation = batch.incarnation }
        // No log's life has the number 0; stored as a cursor, it would shut every real one out.
        guard !batch.probe, batch.incarnation > 0, row.incarnation == batch.incarnation, batch.from == row.index,
            batch.to > batch.from
        else {
            return .refuse
        }
        // Events outside (from, to] would be applied twice or lost.
        let isInside = batch.events.allSatisfy { $0.index > batch.from && $0.index <= batch.to }
        return isInside ? .take : .refuse
    }
}
