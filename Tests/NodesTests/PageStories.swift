import Client
import Cluster
import Testing

/// Timelines and lists, page by page: F8 and F9.
@Suite struct PageStories {
    @Test func everyPageSizeShowsTheSameWhileNewTweetsArrive() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            let client = cluster.client
            for person in people.dropFirst() { _ = try await client.follow(person.id, session: people[0].session) }
            var posted: [Id] = []
            for number in 0..<23 {
                let author = people[number % 4].session
                posted.append(try await client.post(Draft(text: "tweet \(number)"), session: author).id)
            }
            let whole = try await client.home(PageRequest(maxResults: 200), session: people[0].session)
            #expect(whole.tweets.map(\.id) == posted.sorted(by: >))
            for size in 1...24 {
                let pages = try await Self.pages { next in
                    let page = try await client.home(
                        PageRequest(maxResults: size, next: next), session: people[0].session)
                    // What is new belongs above the first page, never into a later one.
                    let late = try await client.post(Draft(text: "late"), session: people[1].session)
                    try await client.delete(late.id, session: people[1].session)
                    #expect(page.tweets.count <= size)
                    return page
                }
                #expect(pages.flatMap { $0 } == whole.tweets.map(\.id), "pages of \(size)")
            }
        }
    }

    private static func pages(_ read: (String?) async throws -> Page) async throws -> [[Id]] {
        var (pages, next): ([[Id]], String?) = ([], nil)
        repeat {
            let page = try await read(next)
            pages.append(page.tweets.map(\.id))
            next = page.next
        } while next != nil
        return pages
    }

    @Test func retweetsAreFoldedWithinEachPageAndNothingIsMissing() async throws {
        let seed = Seed.fresh()
        try await TestCluster.run(TestCluster.Setup(seed: seed)) { cluster in
            let people = try await cluster.people(5)
            let client = cluster.client
            for person in people.dropFirst() { _ = try await client.follow(person.id, session: people[0].session) }
            var originals: [Id] = []
            for number in 0..<40 {
                let person = people[cluster.dice.roll(1..<5)]
                if let tweet = cluster.dice.pick(originals), number > 5, cluster.dice.percent(60) {
                    _ = try await client.retweet(tweet, session: person.session)
                } else {
                    originals.append(try await client.post(Draft(text: "\(number)"), session: person.session).id)
                }
            }
            for size in [1, 2, 3, 7, 20, 200] {
                var (shown, next): (Set<Id>, String?) = ([], nil)
                repeat {
                    let request = PageRequest(maxResults: size, next: next)
                    let page = try await client.home(request, session: people[0].session)
                    let here = page.tweets.map { $0.retweetOf ?? $0.id }
                    #expect(Set(here).count == here.count, "shown twice on one page of \(size)")
                    #expect(page.tweets.map(\.id) == page.tweets.map(\.id).sorted(by: >))
                    shown.formUnion(here)
                    next = page.next
                } while next != nil
                #expect(shown == Set(originals), "pages of \(size)")
            }
        }
    }

    @Test func repliesAndRetweetsCanBeLeftOut() async throws {
        try await TestCluster.run { cluster in
            let (alice, bob) = (try await cluster.register("alice"), try await cluster.register("bob"))
            let client = cluster.client
            _ = try await client.follow(bob.id, session: alice.session)
            let tweet = try await client.post(Draft(text: "tweet"), session: alice.session).id
            let reply = try await client.post(Draft(text: "reply", inReplyTo: tweet), session: bob.session).id
            let quote = try await client.post(Draft(text: "quote", quoteOf: tweet), session: bob.session).id
            let retweet = try #require(try await client.retweet(quote, session: bob.session)?.id)
            func seen(_ replies: Bool, _ retweets: Bool) async throws -> [Id] {
                let request = PageRequest(excludeReplies: replies, excludeRetweets: retweets)
                let own = try await client.timeline(of: bob.id, request).tweets.map(\.id)
                let home = try await client.home(request, session: alice.session).tweets.map(\.id)
                #expect(home == own + [tweet])
                return own
            }
            // The retweet and what it shows are one entry.
            #expect(try await seen(false, false) == [retweet, reply])
            #expect(try await seen(true, false) == [retweet])
            #expect(try await seen(false, true) == [quote, reply])
            #expect(try await seen(true, true) == [quote])
        }
    }

    @Test func listsAndThreadsInPagesOfEverySize() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(8)
            let (star, client) = (people[0], cluster.client)
            let root = try await client.post(Draft(text: "root"), session: star.session).id
            var thread = [root]
            for person in people.dropFirst() {
                _ = try await client.follow(star.id, session: person.session)
                _ = try await client.follow(person.id, session: star.session)
                let draft = Draft(text: "hello", inReplyTo: thread.last)
                thread.append(try await client.post(draft, session: person.session).id)
            }
            try await cluster.atRest()
            let names = people.dropFirst().map(\.name).sorted()
            for size in 1...9 {
                let followers = try await Self.names {
                    try await client.followers(of: star.id, maxResults: size, next: $0)
                }
                let following = try await Self.names {
                    try await client.following(of: star.id, maxResults: size, next: $0)
                }
                #expect(followers == names && following == names, "pages of \(size)")
                let pages = try await Self.pages { try await client.thread(root, maxResults: size, next: $0) }
                #expect(pages.flatMap { $0 } == [root] + thread.dropFirst().sorted(), "pages of \(size)")
            }
        }
    }

    private static func names(_ read: (String?) async throws -> AccountList) async throws -> [String] {
        var (names, next): ([String], String?) = ([], nil)
        repeat {
            let page = try await read(next)
            names += page.accounts.map(\.name)
            next = page.next
        } while next != nil
        return names.sorted()
    }
}
