import Cluster
import Messages
import Replication
import Storage

struct Refusal: Error, Equatable {}

/// The rows that the tests' commands use.
enum Rows {
    static func key(_ row: UInt64, in partition: PartitionId = .home) -> [UInt8] {
        Key(partition: partition.rawValue).appending(row).bytes
    }

    /// What `partition` has heard from `source`, in order.
    static func heard(_ reader: any Reader, at partition: PartitionId, from source: PartitionId) throws -> [UInt64] {
        guard let list = try reader.get(.threads, key(UInt64(source.rawValue), in: partition)) else { return [] }
        return stride(from: 0, to: list.count, by: 8).map { place in
            list[place..<place + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// The entries that lie in a partition's log.
    static func log(_ reader: any Reader, of partition: PartitionId = .home) throws -> [LogEntry] {
        let prefix = Key(partition: partition.rawValue)
        return try reader.rows(.log, from: prefix.bytes, to: prefix.prefixEnd).map { row in
            try row.value.withUnsafeBytes { try StoredEntry.decode($0, partition: partition) }
        }
    }

    /// The partition's figures as they are stored.
    static func meta(_ reader: any Reader, of partition: PartitionId = .home) throws -> PartitionMeta? {
        try reader.get(.meta, ReplicationKeys.meta(partition)).map { try PartitionMeta.decode($0) }
    }
}

extension Effects {
    /// What lays an entry into the home partition's log.
    static func appending(_ entry: LogEntry) -> Effects {
        var effects = Effects()
        effects.put(.log, ReplicationKeys.log(.home, index: entry.index), StoredEntry.encode(entry))
        return effects
    }
}

extension Command {
    /// Adds one to a counter by a merge, which takes no latch; a second effect of it would show.
    static func count(_ row: UInt64, request: RequestId? = nil) -> Command {
        Command(requestId: request, latches: []) { evaluation in
            try evaluation.rows.merge(.counts, Rows.key(row, in: evaluation.partition), delta: 1)
            return Array("counted \(row)".utf8)
        }
    }

    /// Reads a number, writes it plus one, answers it: two at once would lose one.
    static func increment(_ row: UInt64, request: RequestId? = nil) -> Command {
        Command(requestId: request, latches: [.write(1, row)]) { evaluation in
            let key = Rows.key(row, in: evaluation.partition)
            let next = try evaluation.rows.counter(.reactions, key) + 1
            evaluation.rows.put(.reactions, key, CounterValue.encode(next))
            return CounterValue.encode(next)
        }
    }

    /// Tells each destination a number.
    static func tell(_ destinations: [PartitionId], _ number: UInt64, request: RequestId? = nil) -> Command {
        Command(requestId: request, latches: []) { evaluation in
            for destination in destinations {
                evaluation.tell(destination, .eventCounted, Counted.with { $0.tweetId = number })
            }
            return []
        }
    }

    /// Takes ids and writes a row for each.
    static func make(_ ids: Int, above: UInt64 = 0, request: RequestId? = nil) -> Command {
        Command(requestId: request, latches: [], newIds: ids, above: above) { evaluation in
            for id in evaluation.ids { evaluation.rows.put(.tweets, Rows.key(id.rawValue), []) }
            return evaluation.ids.flatMap { CounterValue.encode(Int64(bitPattern: $0.rawValue)) }
        }
    }
}

extension Outcome {
    var number: Int64 {
        get throws { try CounterValue.decode(answer) }
    }

    var ids: [UInt64] {
        get throws {
            try stride(from: 0, to: answer.count, by: 8).map {
                UInt64(bitPattern: try CounterValue.decode(Array(answer[$0..<$0 + 8])))
            }
        }
    }
}

/// Writes down what it hears, a list for each source: what is missing, doubled or out of order shows.
struct Tally: EventHandler {
    /// An event with this number cannot be taken.
    static let poison = UInt64.max

    func latches(for event: StreamEvent, from source: PartitionId) throws -> [Latch] {
        [.write(2, UInt64(source.rawValue))]
    }

    func handle(_ event: StreamEvent, from source: PartitionId, in evaluation: Evaluation) throws {
        let number = try Counted.decode(event.body).tweetId
        guard number != Self.poison else { throw Refusal() }
        let key = Rows.key(UInt64(source.rawValue), in: evaluation.partition)
        let list = try evaluation.rows.get(.threads, key) ?? []
        evaluation.rows.put(.threads, key, list + Key(partition: 0).appending(number).bytes.dropFirst(2))
        try evaluation.rows.merge(.sums, key, delta: 1)
    }
}

extension StreamBatch {
    /// What `source` tells the home partition in (from, to]: the index itself, once an index.
    static func told(by source: PartitionId, from: UInt64, to: UInt64) -> StreamBatch {
        .with {
            $0.source = UInt32(source.rawValue)
            $0.destination = UInt32(PartitionId.home.rawValue)
            $0.incarnation = 1
            $0.from = from
            $0.to = to
            $0.events = (from..<to).map { index in
                .with {
                    $0.index = index + 1
                    $0.body = Counted.with { $0.tweetId = index + 1 }.encode()
                }
            }
        }
    }
}
