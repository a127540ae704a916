import Cluster
import Messages
import Replication
import Storage

/// A hashtag without its sign.
enum Hashtag {
    /// Hashtags that differ only in case or width are one.
    static func folded(_ tag: String) -> String { String(decoding: SearchTokens.foldedName(tag), as: UTF8.self) }
}

/// Hashtags' counts: each has one home, the partition of its folded text's hash (design, rule F5).
enum TagEvents {
    /// Tells the homes of a public tweet's hashtags that it uses them, or is deleted. A hashtag counts once a tweet.
    static func tell(
        _ row: TweetRow, region: String, deleted: Bool, _ partitioning: Partitioning, in evaluation: Evaluation
    ) {
        var byHome: [PartitionId: [String]] = [:]
        var seen: Set<String> = []
        for tag in row.hashtags {
            let folded = Hashtag.folded(tag)
            // Some letters are invisible: what is made of them alone has no name to be counted by.
            guard !folded.isEmpty, seen.insert(folded).inserted else { continue }
            byHome[partitioning.partition(ofName: folded), default: []].append(folded)
        }
        for (home, tags) in byHome.sorted(by: { $0.key < $1.key }) {
            evaluation.tell(
                home, .eventTagsUsed,
                TagsUsed.with {
                    $0.tags = tags
                    $0.tweetId = row.id
                    $0.authorId = row.authorId
                    $0.region = region
                    $0.deleted = deleted
                })
        }
    }

    /// At the hashtags' home.
    static func take(_ used: TagsUsed, in evaluation: Evaluation) throws {
        for tag in used.tags { try take(tag, used, in: evaluation) }
    }

    private static func take(_ tag: String, _ used: TagsUsed, in evaluation: Evaluation) throws {
        let key = Rows.tag(tag, in: evaluation.partition)
        let atMs = Id(rawValue: used.tweetId).unixMs
        var row = try evaluation.rows.message(TagRow.self, .tags, key) ?? TagRow()
        let vote = try vote(for: tag, used, atMs: atMs, in: evaluation)
        try row.count(used.deleted ? -1 : 1, votes: vote, atMs: atMs, region: used.region, nowMs: evaluation.nowMs)
        if row.isEmpty {
            evaluation.rows.delete(.tags, key)
        } else {
            evaluation.rows.put(.tags, key, row)
        }
        evaluation.note(.eventTagCounted, TagCounted.with { $0.tag = tag })
    }

    /// By how much the votes change: an author has one an hour, however often the hashtag is used in it.
    private static func vote(
        for folded: String, _ used: TagsUsed, atMs: UInt64, in evaluation: Evaluation
    ) throws -> Int64 {
        let span = CountBuckets.Span.hour
        guard atMs + span.writtenForMs > evaluation.nowMs else { return 0 }
        let prefix = Rows.votes(for: folded, in: evaluation.partition)
        let key = prefix.appending(span.bucket(ofMs: atMs)).appending(used.authorId).bytes
        let before = try evaluation.rows.counter(.tags, key)
        let after = max(0, before + (used.deleted ? -1 : 1))
        if after == 0 {
            evaluation.rows.delete(.tags, key)
        } else {
            evaluation.rows.put(.tags, key, CounterValue.encode(after))
        }
        if before == 0 { try deleteExpiredVotes(under: prefix, in: evaluation) }
        return (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
    }

    /// A few at a time: each new vote takes more away than it adds.
    private static func deleteExpiredVotes(under prefix: Key, in evaluation: Evaluation) throws {
        let oldest = evaluation.nowMs - min(evaluation.nowMs, CountBuckets.Span.hour.keptForMs)
        let end = prefix.appending(CountBuckets.Span.hour.bucket(ofMs: oldest)).bytes
        for row in try evaluation.rows.rows(.tags, from: prefix.bytes, to: end, limit: 4) {
            evaluation.rows.delete(.tags, row.key)
        }
    }
}

extension TagRow {
    /// Nothing is counted, and no past is left to compare with.
    var isEmpty: Bool {
        regions.allSatisfy { region in
            [region.uses, region.votes].allSatisfy { counts in
                guard let counts else { return true }
                return counts.total == 0 && counts.hours.isEmpty
            }
        }
    }

    /// Of one region, or with nil of the world.
    func uses(in region: String?) throws -> WindowedCount { try count(in: region, \.uses) }

    func votes(in region: String?) throws -> WindowedCount { try count(in: region, \.votes) }

    private func count(in region: String?, _ which: (TagRegion) -> WindowCounts?) throws -> WindowedCount {
        try regions.reduce(into: WindowedCount()) { sum, row in
            guard region == nil || row.region == region, let counts = which(row) else { return }
            sum.merge(try WindowedCount(counts))
        }
    }

    mutating func count(_ uses: Int64, votes: Int64, atMs: UInt64, region name: String, nowMs: UInt64) throws {
        let index = regions.firstIndex { $0.region >= name } ?? regions.endIndex
        if index == regions.endIndex || regions[index].region != name {
            regions.insert(.with { $0.region = name }, at: index)
        }
        regions[index].uses = try Self.counted(regions[index].uses, by: uses, atMs: atMs, nowMs: nowMs)
        guard votes != 0 else { return }
        regions[index].votes = try Self.counted(regions[index].votes, by: votes, atMs: atMs, nowMs: nowMs)
    }

    private static func counted(
        _ counts: WindowCounts?, by delta: Int64, atMs: UInt64, nowMs: UInt64
    ) throws -> WindowCounts {
        var counted = try WindowedCount(counts ?? WindowCounts())
        counted.add(delta, atMs: atMs)
        counted.prune(nowMs: nowMs)
        return WindowCounts(counted)
    }
}
