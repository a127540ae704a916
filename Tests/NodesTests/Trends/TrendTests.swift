import Glibc
import Testing

@testable import Nodes

@Suite struct TrendScoreTests {
    /// Summed term by term with 60 decimal digits (Python's decimal).
    @Test(arguments: [
        (1, 0.1, 1.02153378313831), (3, 0.1, 3.81064145370303), (3, 1, 1.09527689886678),
        (10, 0.5, 9.76708770145646), (5, 5, 0.252194696907526), (7, 20, 0.000110812428132514),
        (16, 15.5, 0.316062982465970), (20, 20, 0.275934992087350), (100, 3, 111.547670315560),
        (150, 100, 5.72487058820232), (1000, 900, 3.25971449093078), (1000, 1000, 0.297392641589590),
        (900, 1000, 0.000270474989460108), (20000, 19000, 12.4898741194541),
        (5000, 20, 9829.16036534517), (1_000_000, 990_000, 23.2638709546145),
    ])
    func theTailIsRight(votes: Int64, expected: Double, score: Double) {
        let found = TrendScore.surprise(votes: votes, expected: expected)
        #expect(abs(found - score) < 1e-11 * max(1, score))
    }

    @Test func smallTailsEqualTheDirectSum() {
        for votes in 1...30 {
            for expected in [0.1, 0.5, 1, 2.5, 7, 12] {
                var (below, term) = (0.0, exp(-expected))
                for k in 0..<votes {
                    below += term
                    term *= expected / Double(k + 1)
                }
                var above = 0.0
                for k in votes..<(votes + 200) {
                    above += term
                    term *= expected / Double(k + 1)
                }
                #expect(abs(below + above - 1) < 1e-12)
                let found = TrendScore.surprise(votes: Int64(votes), expected: expected)
                #expect(abs(found + log10(above)) < 1e-10 * max(1, found))
            }
        }
    }

    @Test func moreVotesSurpriseMoreAndAHigherPastLess() {
        for expected in [0.1, 1, 15.9, 16, 333, 20_000] {
            let near = Int64(expected)
            for votes in max(0, near - 300)...(near + 300) {
                let score = TrendScore.surprise(votes: votes, expected: expected)
                #expect(TrendScore.surprise(votes: votes + 1, expected: expected) >= score)
                #expect(TrendScore.surprise(votes: votes, expected: expected * 1.01) <= score)
                guard votes >= near else { continue }
                #expect(TrendScore.surprise(votes: votes + 1, expected: expected) > score)
            }
        }
    }

    @Test func largeNumbersStayFinite() {
        for (votes, expected) in [
            (Int64.max, 0.1), (Int64.max, 1e12), (1, 1e300), (1 << 40, 1.0), (1_000_000, 999_999),
        ] {
            let score = TrendScore.surprise(votes: votes, expected: expected)
            #expect(score.isFinite && score >= 0, "\(votes) of \(expected): \(score)")
        }
        #expect(TrendScore.surprise(votes: 0, expected: 5) == 0)
        #expect(TrendScore.surprise(votes: -4, expected: 5) == 0)
    }
}

@Suite struct TrendsTests {
    private static let minute: UInt64 = 60_000
    private static let hour: UInt64 = 60 * minute
    private static let nowMs: UInt64 = 480_000 * hour + 30 * minute

    /// So many votes in each of the hours before the last one, so many in the last, spread evenly.
    private func votes(past: Int64, hours: UInt64 = 167, now: Int64) -> WindowedCount {
        var votes = WindowedCount()
        for hour in 0..<hours where past > 0 {
            for vote in 0..<past {
                votes.add(1, atMs: Self.nowMs - (hour + 2) * Self.hour + UInt64(vote) * Self.hour / UInt64(past))
            }
        }
        for vote in 0..<max(0, now) { votes.add(1, atMs: Self.nowMs - UInt64(vote) * 50 * Self.minute / UInt64(now)) }
        return votes
    }

    private func trend(_ votes: WindowedCount, _ window: TopWindow = .hour) throws -> Trend? {
        try #require(Trends(window: window)).trend("tag", votes, nowMs: Self.nowMs)
    }

    @Test func whatIsAlwaysUsedMuchDoesNotTrend() throws {
        for steady in [3, 10, 200] {
            let votes = votes(past: Int64(steady), now: Int64(steady))
            for window in [TopWindow.quarter, .hour, .day] {
                #expect(try trend(votes, window) == nil, "\(steady), \(window)")
            }
        }
    }

    @Test func aNewHashtagTrendsWithAFewVotesAndNotBelowTheFloor() throws {
        #expect(try trend(votes(past: 0, now: 2)) == nil)
        let new = try #require(try trend(votes(past: 0, now: 3)))
        #expect(new.votes == 3 && new.expected == 0.1 && abs(new.score - 3.8106) < 0.001)
    }

    @Test func whatRisesFarAboveItsPastTrends() throws {
        let risen = try #require(try trend(votes(past: 10, now: 60)))
        #expect(risen.votes == 60 && abs(risen.expected - 9.9) < 0.2 && risen.score > 20)
    }

    /// What is used steadily since the day before yesterday has that past, and not a week with five empty days.
    @Test func aYoungPastIsNotSpreadOverTheWholeWeek() throws {
        let trends = try #require(Trends(window: .hour))
        let young = votes(past: 12, hours: 48, now: 12)
        let expected = trends.expected(young, nowMs: Self.nowMs)
        #expect(expected > 11 && expected < 13)
        #expect(try trend(young) == nil)
        // Seen a month ago already, it had the whole week to be used.
        var old = young
        old.add(1, atMs: Self.nowMs - 720 * Self.hour)
        #expect(trends.expected(old, nowMs: Self.nowMs) < 4)
    }

    /// Hours of steady use make a new hashtag less surprising, and a day of it an old one.
    @Test func whatIsNewStaysSoForSomeHours() throws {
        let scores = try [1, 2, 4, 8, 16].map { try trend(votes(past: 8, hours: $0, now: 8))?.score ?? 0 }
        #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 >= $1 })
        #expect(scores[0] > 5 && scores[1] > 4 && scores[2] > 2 && scores[4] == 0)
        let hour = try #require(try trend(votes(past: 8, hours: 1, now: 8)))
        #expect(abs(hour.expected - 8.0 / 24) < 0.02)
    }

    @Test func onlyWindowsWithAPastAreTaken() {
        #expect(TopWindow.allCases.filter { Trends(window: $0) != nil } == [.quarter, .hour, .day])
    }

    @Test func theMostSurprisingIsFirstAndTiesStandByHashtag() throws {
        let trends = try #require(Trends())
        let tags = [
            ("steady", votes(past: 200, now: 200)), ("b", votes(past: 0, now: 5)), ("a", votes(past: 0, now: 5)),
            ("large", votes(past: 20, now: 90)), ("rare", votes(past: 0, now: 1)),
        ]
        #expect(trends.ranked(tags, limit: 9, nowMs: Self.nowMs).map(\.tag) == ["large", "a", "b"])
        #expect(trends.ranked(tags, limit: 1, nowMs: Self.nowMs).map(\.tag) == ["large"])
    }
}
