import Cluster
import Messages
import Replication
import Sketches
import Storage

/// Which of a partition's tweets are viewed most. Everything is viewed, so there is a sketch of bounded size for each
/// bucket of time and not a count for each tweet; an answer says by how much it may be wrong (F11).
struct ViewSketches: Sendable {
    typealias Sketch = SpaceSaving<UInt64>

    /// Counters of one bucket: each tweet with more than that share of a bucket's views is among them.
    static let bucketCapacity = 256
    static let totalCapacity = 1024

    private struct Scope: Sendable {
        var all = Sketch(capacity: ViewSketches.totalCapacity)
        var buckets: [CountBuckets.Span: [UInt32: Sketch]] = [.minute: [:], .hour: [:]]
    }

    /// Nil is the world.
    private var scopes: [String?: Scope] = [:]
    /// Views of log entries up to here were among the rows it was made from.
    private var loadedIndex: UInt64

    /// Made from the stored counts, as of this moment.
    init(partition: PartitionId, rows: any Reader) throws {
        let meta = try rows.message(PartitionMeta.self, .meta, ReplicationKeys.meta(partition))
        loadedIndex = meta?.appliedIndex ?? 0
        let totals = Key(partition: partition.rawValue).appending(UInt8(ascii: "v"))
        try Self.scan(totals, rows) { tweet, region, views in
            for scope in [nil, region] { scopes[scope, default: Scope()].all.add(tweet, weight: views) }
        }
        for span in CountBuckets.Span.allCases {
            try loadBuckets(span, Rows.viewBuckets(span.rawValue, in: partition), rows)
        }
    }

    private mutating func loadBuckets(_ span: CountBuckets.Span, _ prefix: Key, _ rows: any Reader) throws {
        try rows.scan(.counts, from: prefix.bytes, to: prefix.prefixEnd, reverse: false) { key, value in
            var reader = KeyReader(UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.bytes.count)))
            let (bucket, tweet) = (try reader.uint32(), try reader.uint64())
            let region = String(decoding: reader.remaining(), as: UTF8.self)
            add(tweet, UInt64(max(0, try CounterValue.decode(value))), span, bucket, region)
            return true
        }
    }

    private static func scan(
        _ prefix: Key, _ rows: any Reader, _ body: (_ tweet: UInt64, _ region: String, _ views: UInt64) -> Void
    ) throws {
        try rows.scan(.counts, from: prefix.bytes, to: prefix.prefixEnd, reverse: false) { key, value in
            var reader = KeyReader(UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.bytes.count)))
            let tweet = try reader.uint64()
            let region = String(decoding: reader.remaining(), as: UTF8.self)
            body(tweet, region, UInt64(max(0, try CounterValue.decode(value))))
            return true
        }
    }

    // MARK: Changes

    /// - Parameter index: of the log entry; what was loaded already does not count again.
    mutating func take(_ viewed: Viewed, index: UInt64, nowMs: UInt64) {
        guard index > loadedIndex else { return }
        for (tweet, views) in zip(viewed.tweets, viewed.views) {
            for scope in [nil, viewed.region] { scopes[scope, default: Scope()].all.add(tweet, weight: views) }
            for span in CountBuckets.Span.allCases {
                add(tweet, views, span, span.bucket(ofMs: viewed.atMs), viewed.region)
            }
        }
        prune(nowMs: nowMs)
    }

    private mutating func add(
        _ tweet: UInt64, _ views: UInt64, _ span: CountBuckets.Span, _ bucket: UInt32, _ region: String
    ) {
        for scope in [nil, region] {
            scopes[scope, default: Scope()].buckets[span, default: [:]][
                bucket, default: Sketch(capacity: Self.bucketCapacity)
            ].add(tweet, weight: views)
        }
    }

    private mutating func prune(nowMs: UInt64) {
        scopes = scopes.mapValues { scope in
            var scope = scope
            for (span, buckets) in scope.buckets {
                scope.buckets[span] = buckets.filter { !span.isExpired($0.key, nowMs: nowMs) }
            }
            return scope
        }
    }

    // MARK: Questions

    /// The largest `k`, and what any other tweet's views are at most.
    func top(
        _ k: Int, region: String?, window: TopWindow, nowMs: UInt64
    ) -> (counters: [Sketch.Counter], bound: UInt64) {
        guard let scope = scopes[region] else { return ([], 0) }
        let sketch = Self.sketch(of: scope, window: window, nowMs: nowMs)
        let top = sketch.top(k)
        let next = sketch.count > k ? sketch.top(k + 1).last?.estimate ?? 0 : 0
        return (top, max(next, sketch.unseenBound))
    }

    private static func sketch(of scope: Scope, window: TopWindow, nowMs: UInt64) -> Sketch {
        guard let unit = window.unit else { return scope.all }
        let first = window.firstBucket(nowMs: nowMs)
        let buckets = scope.buckets[unit == .minute ? .minute : .hour] ?? [:]
        return buckets.filter { $0.key >= first }.sorted { $0.key < $1.key }.reduce(
            into: Sketch(capacity: bucketCapacity)
        ) { $0.merge($1.value) }
    }
}
