import Client
import Cluster
import Messages
import Nodes
import RPC
import Testing

/// What one answer may look at is bounded, and an answer says when that was not enough.
@Suite struct BudgetStories {
    private static func setup(_ change: (inout LookBudgets) -> Void) -> TestCluster.Setup {
        var setup = TestCluster.Setup()
        setup.partitions = 4
        change(&setup.budgets)
        return setup
    }

    /// Sixty tweets, of which the oldest is the one that is liked.
    private func bestOfSixty(
        _ setup: TestCluster.Setup, _ check: (_ page: SearchPage, _ liked: Id) throws -> Void
    ) async throws {
        try await TestCluster.run(setup) { cluster in
            let people = try await cluster.people(4)
            var ids: [Id] = []
            for number in 0..<60 {
                let author = people[number % people.count]
                ids.append(try await cluster.client.post(Draft(text: "rook"), session: author.session).id)
            }
            _ = try await cluster.client.react(.like, to: ids[0], session: people[1].session)
            try await cluster.atRest()
            try check(
                try await cluster.client.search("rook", SearchOptions(sort: .top), session: people[2].session), ids[0])
        }
    }

    @Test func whatIsLikedMostComesFirstHoweverOldItIs() async throws {
        try await bestOfSixty(Self.setup { _ in }) { page, liked in
            #expect(page.tweets.first?.id == liked && page.tweets.count == 10 && !page.partial)
        }
    }

    @Test func aRankingOfPartOfWhatMatchesSaysSo() async throws {
        try await bestOfSixty(Self.setup { $0.tweets = 8 }) { page, liked in
            #expect(page.partial && !page.tweets.isEmpty && !page.tweets.map(\.id).contains(liked))
        }
    }

    /// However little time an answer has, it comes on, and the client with it.
    @Test func aSearchWithoutTimeIsFoundInManyAnswers() async throws {
        try await TestCluster.run(Self.setup { $0.timeShare = 0 }) { cluster in
            let people = try await cluster.people(4)
            var expected: [Id] = []
            for number in 0..<24 {
                let author = people[number % people.count]
                expected.append(try await cluster.client.post(Draft(text: "rook"), session: author.session).id)
            }
            let request = SearchRequest.with {
                ($0.query, $0.limit, $0.partitions) = ("rook", 10, [UInt32(people[0].id.partition.rawValue)])
            }
            let owner = try #require(cluster.map.owner(of: people[0].id.partition)?.id)
            let reply = try SearchReply.decode(
                try await cluster.call(
                    owner, "rookery.Search/Tweets", request.encode(), CallOptions(session: people[0].session.token)
                ).message)
            #expect(!reply.exhausted && reply.hits.count < 6 && reply.examinedTo > 0, "there was no time for all")
            var (options, found) = (SearchOptions(maxResults: 10), [Id]())
            repeat {
                let page = try await cluster.client.search("rook", options, session: people[0].session)
                #expect(page.missingNodes.isEmpty)
                found += page.tweets.map(\.id)
                options.next = page.next
            } while options.next != nil
            #expect(found == expected.sorted(by: >))
        }
    }

    /// Each person has four words that begin with an x and is found by the first of them alone: most rows that a page
    /// looks at show nobody.
    @Test(arguments: [1, 3, 7]) func peopleBehindManyRowsThatShowNobodyAreFound(budget: Int) async throws {
        try await TestCluster.run(Self.setup { $0.people = budget }) { cluster in
            let people = try await cluster.people(9)
            for (number, person) in people.enumerated() {
                let last = number == 4 ? "xz" : "xa\(number) xb\(number) xc\(number) xd\(number)"
                _ = try await cluster.client.updateProfile(ProfileChange(displayName: last), session: person.session)
            }
            var (found, next, pages): ([String], String?, Int) = ([], nil, 0)
            repeat {
                let page = try await cluster.client.searchUsers(
                    "x", maxResults: 2, next: next, session: people[0].session)
                #expect(!page.users.isEmpty || page.next == nil)
                found += page.users.map(\.name)
                next = page.next
                pages += 1
            } while next != nil && pages < 60
            let others = people.indices.filter { $0 != 4 }.map { people[$0].name }
            #expect(found == others + [people[4].name])
        }
    }
}
