import Cluster
import Messages
import Replication
import Storage

/// Counts by the time of the event, beside the totals: a counter for each minute and each hour in which something was
/// counted, under a prefix of its own. They are merged like the totals and take no latch (rules B2, F4).
///
/// Key: prefix, span (1 byte), bucket since 1970 (4 bytes), suffix. Buckets that no window reaches any more are
/// deleted when their neighbours are read for sending on. Between the time until which one is written and the time
/// from which it may be deleted lie many times the length of any evaluation, so that no merge meets a delete.
enum CountBuckets {
    enum Span: UInt8, CaseIterable {
        case minute = 0
        case hour = 1

        var lengthMs: UInt64 { self == .minute ? 60_000 : 3_600_000 }

        /// Windows of minutes reach back an hour, windows of hours a week.
        var writtenForMs: UInt64 { self == .minute ? 90 * 60_000 : (7 * 24 + 2) * 3_600_000 }
        var keptForMs: UInt64 { self == .minute ? 120 * 60_000 : (7 * 24 + 4) * 3_600_000 }

        func bucket(ofMs unixMs: UInt64) -> UInt32 { UInt32(clamping: unixMs / lengthMs) }

        func isExpired(_ bucket: UInt32, nowMs: UInt64) -> Bool { UInt64(bucket) * lengthMs + keptForMs < nowMs }
    }

    /// Counts an event of the time `atMs`, or takes it back; what no window reaches any more changes nothing.
    static func merge(
        under prefix: Key, suffix: [UInt8], by delta: Int64, atMs: UInt64, in evaluation: Evaluation
    ) throws {
        for span in Span.allCases where atMs + span.writtenForMs > evaluation.nowMs {
            let key = prefix.appending(span.rawValue).appending(span.bucket(ofMs: atMs)).appending(suffix)
            try evaluation.rows.merge(.counts, key.bytes, delta: delta)
        }
    }

    /// One bucket as it is stored.
    struct Stored {
        var span: Span
        var bucket: UInt32
        var suffix: [UInt8]
        var count: Int64
        var key: [UInt8]
    }

    /// In the order of the keys: minutes, then hours, each ascending.
    static func stored(under prefix: Key, in rows: any Reader) throws -> [Stored] {
        var found: [Stored] = []
        try rows.scan(.counts, from: prefix.bytes, to: prefix.prefixEnd, reverse: false) { key, value in
            var reader = KeyReader(UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.bytes.count)))
            guard let span = Span(rawValue: try reader.uint8()) else {
                throw StorageError.corrupt("a bucket of an unknown span")
            }
            found.append(
                Stored(
                    span: span, bucket: try reader.uint32(), suffix: reader.remaining(),
                    count: try CounterValue.decode(value), key: Array(key)))
            return true
        }
        return found
    }

    /// Deletes the oldest of those that no window reaches; called with each new event, so that they do not pile up.
    static func deleteExpired(under prefix: Key, atMost count: Int, in evaluation: Evaluation) throws {
        for span in Span.allCases {
            let spanPrefix = prefix.appending(span.rawValue)
            let oldest = evaluation.nowMs - min(evaluation.nowMs, span.keptForMs)
            let end = spanPrefix.appending(span.bucket(ofMs: oldest)).bytes
            for row in try evaluation.rows.rows(.counts, from: spanPrefix.bytes, to: end, limit: count) {
                evaluation.rows.delete(.counts, row.key)
            }
        }
    }

    /// Deletes those that no window reaches, and returns the others.
    static func live(under prefix: Key, in evaluation: Evaluation) throws -> [Stored] {
        let all = try stored(under: prefix, in: evaluation.rows)
        for old in all where old.span.isExpired(old.bucket, nowMs: evaluation.nowMs) {
            evaluation.rows.delete(.counts, old.key)
        }
        return all.filter { !$0.span.isExpired($0.bucket, nowMs: evaluation.nowMs) }
    }
}
