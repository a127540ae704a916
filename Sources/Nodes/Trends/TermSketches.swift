import Cluster
import Messages
import Replication
import Storage

/// The words in most of a partition's public tweets. Nobody knows how many words there are, so there is a sketch of
/// bounded size for each bucket of time, and an answer says by how much it may be wrong (F11).
///
/// A tweet counts at the time of its id. What is deleted is taken back from where it was counted (F3).
struct TermSketches: Sendable {
    typealias Sketches = WindowedSketches<String>

    static let totalCapacity = 2048

    /// What a log entry changed, as it lies in the log: words are cut where somebody has time for it.
    struct Change: Sendable {
        /// An encoded `TweetRow`.
        var row: [UInt8]
        var isErased: Bool
        var index: UInt64
    }

    private var words: Sketches
    /// What log entries up to here changed was in the rows it was made from.
    private let loadedIndex: UInt64

    /// Made from the stored tweets, as of this moment: reads all of the partition's.
    init(partition: PartitionId, rows: any Reader, seed: UInt64, nowMs: UInt64) throws {
        words = Sketches(totalCapacity: Self.totalCapacity, seed: seed)
        loadedIndex = try PartitionMeta.read(of: partition, in: rows).appliedIndex
        words.prune(nowMs: nowMs)
        let tweets = Key(partition: partition.rawValue)
        try rows.scan(.tweets, from: tweets.bytes, to: tweets.prefixEnd, reverse: false) { _, value in
            count(try TweetRow.decode(value))
            return true
        }
    }

    mutating func take(_ change: Change, nowMs: UInt64) throws {
        guard change.index > loadedIndex else { return }
        words.prune(nowMs: nowMs)
        let row = try TweetRow.decode(change.row)
        guard change.isErased else { return count(row) }
        for word in TweetWords.of(row) { words.remove(word, atMs: Id(rawValue: row.id).unixMs) }
    }

    private mutating func count(_ row: TweetRow) {
        guard row.isCounted, !row.deleted else { return }
        for word in TweetWords.of(row) { words.add(word, atMs: Id(rawValue: row.id).unixMs) }
    }

    /// To be merged with those of other partitions.
    func sketches(in window: TopWindow, nowMs: UInt64) -> [Sketches.Sketch] {
        words.sketches(in: window, nowMs: nowMs)
    }
}
