import Cluster
import Messages
import Testing

@testable import Client

@Suite struct SearchPageTests {
    private static func tweet(_ id: UInt64) throws -> Client.Tweet {
        let row = TweetRow.with { $0.id = id }
        return try Client.Tweet(.with { $0.row = row.encode() })
    }

    /// Sorted by top, one that has lost a like comes again on a later page.
    @Test func aTweetIsOnOnePageAlone() throws {
        var seen: Set<Id> = []
        let first = SearchPage(tweets: [try Self.tweet(9), try Self.tweet(7)], next: "t", missingNodes: ["n1"])
        #expect(first.without(&seen) == first)
        let second = SearchPage(
            tweets: [try Self.tweet(7), try Self.tweet(5)], next: nil, missingNodes: [], partial: true)
        let left = SearchPage(tweets: [try Self.tweet(5)], next: nil, missingNodes: [], partial: true)
        #expect(second.without(&seen) == left && left.count == 1)
    }
}
