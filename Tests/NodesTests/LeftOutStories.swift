import Client
import Cluster
import Messages
import Storage
import Testing

@testable import Nodes

/// Timelines of which most is left out: no call looks at all of it, and nothing that is wanted is missed (E1, E2).
@Suite struct LeftOutStories {
    private static let authors = (1...4).map { Id(unixMs: Id.epochMs, partition: PartitionId(2), sequence: UInt8($0)) }

    private static func id(_ number: Int) -> Id {
        Id(unixMs: Id.epochMs + 1000 + UInt64(number), partition: PartitionId(2), sequence: 0)
    }

    private static func request(before: UInt64) -> PullRequest {
        .with {
            $0.viewer = authors[0].rawValue
            $0.authors = authors.map(\.rawValue)
            $0.before = before
            $0.excludeRetweets = true
        }
    }

    /// Rows of all authors, most of them retweets; the ids of the rest, newest first. Nobody is protected, and the
    /// tweets are public.
    private static func write(_ count: Int, to store: MemoryStore, _ dice: Dice) throws -> [Id] {
        var (effects, wanted) = (Effects(), [Id]())
        for number in 0..<count {
            guard let author = dice.pick(authors) else { continue }
            // Some have long stretches of nothing else.
            let isRetweet = author == authors[1] || dice.percent(85)
            let flags: AuthorFlags = isRetweet ? .retweet : []
            effects.put(.authors, Rows.authored(id(number), by: author), [flags.rawValue])
            let row = TweetRow.with {
                $0.id = id(number).rawValue
                $0.authorId = author.rawValue
                $0.access = .accessPublic
            }
            effects.put(.tweets, Rows.tweet(id(number)), row.encode())
            if !isRetweet { wanted.append(id(number)) }
        }
        try store.write(effects, sync: false)
        return wanted.reversed()
    }

    @Test func whateverTheAllowanceNothingIsMissed() throws {
        let seed = Seed.fresh()
        let (store, dice) = (MemoryStore(), Dice(seed: seed))
        let wanted = try Self.write(2000, to: store, dice)
        for (limit, allowance) in [(1, 1), (3, 2), (7, 10), (20, 100), (500, 3), (5, 10_000)] {
            var (found, before, calls) = ([Id](), UInt64(0), 0)
            repeat {
                var newest = NewestCauses(limit: limit, request: Self.request(before: before), allowance: allowance)
                for author in Self.authors { try newest.take(author, from: store.snapshot()) }
                let page = newest.descending.map(\.id)
                found += page
                calls += 1
                let next = page.count == limit ? page.last?.rawValue : newest.horizon
                // It sinks, or nothing would ever end.
                #expect(before == 0 || next ?? 0 < before, "ROOKERY_SEED=\(seed)")
                before = next ?? 0
            } while before > 0 && calls < 5000
            #expect(found == wanted, "limit \(limit), allowance \(allowance), ROOKERY_SEED=\(seed)")
        }
    }

    /// What one call looks at is bounded, however much there is.
    @Test func aCallEndsWhereItsAllowanceDoes() throws {
        let (store, count) = (MemoryStore(), NewestCauses.passedOver * 2)
        var effects = Effects()
        for number in 0..<count {
            effects.put(.authors, Rows.authored(Self.id(number), by: Self.authors[0]), [AuthorFlags.retweet.rawValue])
        }
        try store.write(effects, sync: false)
        for authors in [Self.authors, [Self.authors[0]]] {
            var request = Self.request(before: 0)
            request.authors = authors.map(\.rawValue)
            var newest = NewestCauses(limit: 20, request: request)
            for author in authors { try newest.take(author, from: store.snapshot()) }
            #expect(newest.horizon == Self.id(count - NewestCauses.passedOver / authors.count).rawValue)
        }
    }

    /// An author of many thousand retweets between their few tweets.
    @Test func thousandsOfRetweetsAreLeftOut() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            _ = try await client.follow(bob.id, session: alice.session)
            var wanted: [Id] = []
            for turn in 0..<3 {
                for number in 0..<3 {
                    let draft = Draft(text: "tweet \(turn) \(number)")
                    wanted.append(try await client.post(draft, session: bob.session).id)
                }
                try retweets(NewestCauses.passedOver * 2 + 77, by: bob, of: wanted[0], in: cluster)
                cluster.clock.advance(hours: 1)
            }
            for size in [1, 2, 4, 20] {
                let own = try await Self.all(size) { try await client.timeline(of: bob.id, $0) }
                let home = try await Self.all(size) { try await client.home($0, session: alice.session) }
                #expect(own == wanted.reversed() && home == own, "pages of \(size)")
            }
        }
    }

    private static func all(_ size: Int, _ read: (PageRequest) async throws -> Page) async throws -> [Id] {
        var (shown, next): ([Id], String?) = ([], nil)
        repeat {
            let page = try await read(PageRequest(maxResults: size, next: next, excludeRetweets: true))
            #expect(!page.tweets.isEmpty || page.next == nil, "empty only at the end")
            shown += page.tweets.map(\.id)
            next = page.next
        } while next != nil
        return shown
    }

    /// Straight into the author's list: a request for each would take the test minutes.
    private func retweets(_ count: Int, by author: Person, of original: Id, in cluster: TestCluster) throws {
        let node = try #require(cluster.map.owner(of: author.id.partition)?.id)
        var effects = Effects()
        for number in 0..<count {
            let id = Id(
                unixMs: cluster.clock.nowMs() + 60_000 + UInt64(number), partition: author.id.partition, sequence: 0)
            effects.put(.authors, Rows.authored(id, by: author.id), [AuthorFlags.retweet.rawValue])
        }
        try #require(cluster.store(of: node)).write([effects], sync: true)
    }
}
