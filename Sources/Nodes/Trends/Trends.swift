/// A hashtag that rises.
struct Trend: Equatable, Sendable {
    var tag: String
    /// In the window; a user has one an hour.
    var votes: Int64
    /// As many votes its past lets expect in such a window.
    var expected: Double
    /// See `TrendScore`.
    var score: Double
}

/// Ranks hashtags by how much they surprise, compared with their own past week (F12). What is always used much does not
/// trend, and a floor keeps out what hardly anybody uses.
struct Trends: Sendable {
    let window: TopWindow
    /// With fewer votes nothing trends.
    var minimumVotes: Int64 = 3
    /// Votes a window that anything may have by chance. Without it, the first vote for any new hashtag would be a
    /// surprise without bound.
    var minimumExpected = 0.1
    /// What is younger than this is new, and its votes so far are no rate to go by: they are taken as having come in so
    /// long a time. Otherwise what came up an hour ago would be nothing new an hour later.
    var shortestPastMs: UInt64 = 24 * 60 * 60 * 1000
    /// One in a hundred: what is less surprising than this is noise.
    var minimumScore = 2.0

    /// Nil for windows that leave no past in the stored week to compare with.
    init?(window: TopWindow = .hour) {
        guard [.quarter, .hour, .day].contains(window) else { return nil }
        self.window = window
    }

    /// The most surprising first, equal scores by ascending hashtag.
    func ranked(_ tags: some Sequence<(String, WindowedCount)>, limit: Int, nowMs: UInt64) -> [Trend] {
        let rising = tags.compactMap { trend($0, $1, nowMs: nowMs) }
        return Array(rising.sorted { ($1.score, $0.tag) < ($0.score, $1.tag) }.prefix(max(0, limit)))
    }

    /// Nil when it does not trend.
    func trend(_ tag: String, _ votes: WindowedCount, nowMs: UInt64) -> Trend? {
        let seen = votes.count(in: window, nowMs: nowMs)
        guard seen >= minimumVotes else { return nil }
        let expected = expected(votes, nowMs: nowMs)
        let score = TrendScore.surprise(votes: seen, expected: expected)
        return score < minimumScore ? nil : Trend(tag: tag, votes: seen, expected: expected, score: score)
    }

    /// The votes of the past, from a week ago or when the hashtag was first seen until the window begins, for as long
    /// as the window is by now: its last bucket is not over yet. The past is taken to be a day at least.
    func expected(_ votes: WindowedCount, nowMs: UInt64) -> Double {
        let startMs = window.startMs(nowMs: nowMs)
        let windowMs = Double(max(nowMs - startMs, 1))
        let seenMs = startMs - min(startMs, firstSeenMs(votes, nowMs: nowMs))
        let pastMs = Double(max(seenMs, shortestPastMs))
        let past = votes.count(in: .week, nowMs: nowMs) - votes.count(in: window, nowMs: nowMs)
        return max(minimumExpected, Double(past) * windowMs / pastMs)
    }

    /// Not before the week. What the total holds beyond the week's hours was seen earlier.
    private func firstSeenMs(_ votes: WindowedCount, nowMs: UInt64) -> UInt64 {
        let week = TopWindow.week
        guard votes.total <= votes.count(in: week, nowMs: nowMs) else { return week.startMs(nowMs: nowMs) }
        let first = votes.hours.buckets.first { $0 >= week.firstBucket(nowMs: nowMs) }
        return first.map { UInt64($0) * TopWindow.Unit.hour.lengthMs } ?? nowMs
    }
}
