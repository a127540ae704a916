import Client
import Cluster
import Messages
import Testing

/// Which words are in most tweets, over the whole cluster, against a list of what was said when: F3, F11, rules F4, F5.
@Suite struct TermStories {
    private struct Said {
        var author: Person
        var words: Set<String>
        var isPublic: Bool
    }

    /// So many that no bucket of a partition has a counter for each.
    private static let vocabulary = 3000

    @Test(arguments: [["local"], ["here", "there"]]) func everyWordIsWithinItsBounds(regions: [String]) async throws {
        let seed = Seed.fresh()
        var setup = TestCluster.Setup(seed: seed, regions: regions)
        // The clock jumps by weeks; nobody's session may end meanwhile.
        setup.limits.sessionDays = 365
        try await TestCluster.run(setup) { cluster in
            let people = try await cluster.people(6)
            var said: [Id: Said] = [:]
            var errors: UInt64 = 0
            for round in 0..<8 {
                for _ in 0..<40 { try await act(people, &said, cluster) }
                if round == 4 {
                    for node in cluster.nodes { try await cluster.kill(node) }
                    for node in cluster.nodes { try await cluster.restart(node) }
                }
                errors += try await check(said, regions, people[0], cluster)
                let jumps: [Int64] = [0, 3, 14, 59, 61, 23 * 60, 25 * 60, 168 * 60]
                cluster.clock.advance(ms: (cluster.dice.pick(jumps) ?? 0) * 60_000)
                errors += try await check(said, regions, people[1], cluster)
            }
            #expect(errors > 0, "there were so many words that not every count was exact")
        }
    }

    private func act(_ people: [Person], _ said: inout [Id: Said], _ cluster: TestCluster) async throws {
        cluster.clock.stayInOneMinute()
        let dice = cluster.dice
        if dice.percent(25), let id = dice.pick(said.keys.sorted()), let gone = said.removeValue(forKey: id) {
            return try await cluster.client.delete(id, session: gone.author.session)
        }
        guard let me = dice.pick(people) else { return }
        let words = (0..<30).map { _ in "w\(dice.roll(0..<Self.vocabulary) * dice.roll(0..<100) / 100)" }
        // Said twice, once in capitals, and not said at all.
        let text = words.joined(separator: " ") + " \(words[0].uppercased()) #w0 @w1 w2.example.com"
        let isPublic = !dice.percent(10)
        let tweet = try await cluster.client.post(Draft(text: text, protected: !isPublic), session: me.session)
        said[tweet.id] = Said(author: me, words: Set(words), isPublic: isPublic)
        if isPublic, dice.percent(10), let fan = dice.pick(people) {
            _ = try await cluster.client.retweet(tweet.id, session: fan.session)
        }
    }

    /// - Returns: the errors of all counts.
    private func check(
        _ said: [Id: Said], _ regions: [String], _ asker: Person, _ cluster: TestCluster
    ) async throws -> UInt64 {
        cluster.clock.stayInOneMinute()
        var errors: UInt64 = 0
        for window in TopQuery.Window.allCases {
            for region in [nil] + regions.map(Optional.some) {
                let query = TopQuery(.terms, k: cluster.dice.percent(50) ? 1000 : 5, window: window, region: region)
                let list = try await cluster.completely(\.missingNodes.isEmpty) {
                    try await cluster.client.top(query, session: asker.session)
                }
                Self.check(list, query, Self.counts(said, query, nowMs: cluster.clock.nowMs()))
                errors += list.items.reduce(0) { $0 + ($1.error ?? 0) }
            }
        }
        return errors
    }

    private static func counts(_ said: [Id: Said], _ query: TopQuery, nowMs: UInt64) -> [String: Int64] {
        let counted = said.filter { id, tweet in
            tweet.isPublic && (query.region == nil || tweet.author.region == query.region)
                && id.unixMs >= query.window.startMs(nowMs: nowMs)
        }
        return counted.values.flatMap(\.words).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private static func check(_ list: TopList, _ query: TopQuery, _ counts: [String: Int64]) {
        #expect(!list.exact && list.missingNodes.isEmpty)
        #expect(list.items.count <= query.k)
        for item in list.items {
            let (count, error) = (counts[item.key, default: 0], Int64(item.error ?? 0))
            #expect(count > 0 && (item.count - error...item.count).contains(count), "\(item) of \(query)")
        }
        let (listed, bound) = (Set(list.items.map(\.key)), list.bound ?? -1)
        let unlisted = counts.filter { !listed.contains($0.key) }
        #expect(unlisted.values.allSatisfy { $0 <= bound }, "\(query): no other has more than \(bound)")
        let order = list.items.sorted { ($1.count, $0.key) < ($0.count, $1.key) }
        #expect(list.items == order)
    }

    @Test func fewWordsAreCountedExactlyAndOnlyThoseThatEverybodyMayRead() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(3)
            let client = cluster.client
            // Asked first, so that what follows reaches what is in memory; the later one is made from rows.
            for isWarm in [true, false] {
                if isWarm { #expect(try await client.top(TopQuery(.terms), session: people[0].session).items.isEmpty) }
                let first = try await client.post(Draft(text: "Rook, rook & ＲＯＯＫ"), session: people[0].session)
                let second = try await client.post(
                    Draft(text: "rook #crow @raven www.example.com"), session: people[1].session)
                _ = try await client.post(Draft(text: "rook jay", protected: true), session: people[2].session)
                _ = try await client.retweet(first.id, session: people[1].session)
                try await cluster.atRest()
                if !isWarm { for node in cluster.nodes { try await cluster.kill(node) } }
                for node in cluster.nodes { try await cluster.restart(node) }
                let list = try await client.top(TopQuery(.terms, window: .hour), session: people[2].session)
                #expect(list.items == [TopList.Item(key: "rook", count: 2)])
                #expect(list.bound == 0, "\(list)")
                for tweet in [(first.id, people[0]), (second.id, people[1])] {
                    try await client.delete(tweet.0, session: tweet.1.session)
                }
                for window in TopQuery.Window.allCases {
                    let none = try await client.top(TopQuery(.terms, window: window), session: people[2].session)
                    #expect(none.items.isEmpty && none.bound == 0)
                }
            }
        }
    }

    @Test func aNodeThatIsDownIsNamed() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(9)
            for person in people { _ = try await cluster.client.post(Draft(text: "rook"), session: person.session) }
            let home = try #require(cluster.map.owner(of: people[0].id.partition)?.id)
            let dead = try #require(cluster.nodes.first { $0 != home })
            try await cluster.kill(dead)
            let list = try await cluster.client.top(TopQuery(.terms), session: people[0].session)
            let there = people.filter { cluster.map.owner(of: $0.id.partition)?.id != dead }
            #expect(!list.exact && list.missingNodes == [dead.rawValue])
            #expect(list.items == [TopList.Item(key: "rook", count: Int64(there.count))])
        }
    }
}
