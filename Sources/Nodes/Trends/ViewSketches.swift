import Cluster
import Messages
import Replication
import Sketches
import Storage

/// Which of a partition's tweets are viewed most. Everything is viewed, so there is a sketch of bounded size for each
/// bucket of time and not a count for each tweet; an answer says by how much it may be wrong (F11).
struct ViewSketches: Sendable {
    typealias Sketches = WindowedSketches<UInt64>

    static let totalCapacity = 1024

    /// By the readers' region; the world is all of them.
    private var regions: [String: Sketches] = [:]
    private let seed: UInt64
    /// Views of log entries up to here were among the rows it was made from.
    private var loadedIndex: UInt64

    /// Made from the stored counts, as of this moment.
    init(partition: PartitionId, rows: any Reader, seed: UInt64, nowMs: UInt64) throws {
        self.seed = seed
        loadedIndex = try PartitionMeta.read(of: partition, in: rows).appliedIndex
        let totals = Key(partition: partition.rawValue).appending(UInt8(ascii: "v"))
        try Self.scan(totals, rows) { reader, views in
            let tweet = try reader.uint64()
            update(Self.region(&reader), nowMs: nowMs) { $0.addToTotal(tweet, weight: views) }
        }
        for span in CountBuckets.Span.allCases {
            let unit: TopWindow.Unit = span == .minute ? .minute : .hour
            try Self.scan(Rows.viewBuckets(span.rawValue, in: partition), rows) { reader, views in
                let (bucket, tweet) = (try reader.uint32(), try reader.uint64())
                update(Self.region(&reader), nowMs: nowMs) { $0.add(tweet, weight: views, to: bucket, unit) }
            }
        }
    }

    private static func scan(
        _ prefix: Key, _ rows: any Reader, _ body: (_ suffix: inout KeyReader, _ views: UInt64) throws -> Void
    ) throws {
        try rows.scan(.counts, from: prefix.bytes, to: prefix.prefixEnd, reverse: false) { key, value in
            var reader = KeyReader(UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.bytes.count)))
            try body(&reader, UInt64(max(0, try CounterValue.decode(value))))
            return true
        }
    }

    /// It stands last in a key.
    private static func region(_ suffix: inout KeyReader) -> String {
        String(decoding: suffix.remaining(), as: UTF8.self)
    }

    // MARK: Changes

    /// - Parameter index: of the log entry; what was loaded already does not count again.
    mutating func take(_ viewed: Viewed, index: UInt64, nowMs: UInt64) {
        guard index > loadedIndex else { return }
        update(viewed.region, nowMs: nowMs) { sketches in
            for (tweet, views) in zip(viewed.tweets, viewed.views) {
                sketches.add(tweet, weight: views, atMs: viewed.atMs)
            }
        }
    }

    private mutating func update(_ region: String, nowMs: UInt64, _ change: (inout Sketches) -> Void) {
        var sketches =
            regions.removeValue(forKey: region) ?? Sketches(totalCapacity: Self.totalCapacity, seed: seed)
        sketches.prune(nowMs: nowMs)
        change(&sketches)
        regions[region] = sketches
    }

    // MARK: Questions

    /// The largest `k`, and what any other tweet's views are at most.
    /// - Parameter region: nil for the world.
    func top(_ k: Int, region: String?, window: TopWindow, nowMs: UInt64) -> MergedCounters<UInt64> {
        let asked = region.map { name in regions.filter { $0.key == name } } ?? regions
        return MergedCounters(asked.values.flatMap { $0.sketches(in: window, nowMs: nowMs) }, keeping: k)
    }
}
