import Client
import Cluster
import Messages
import Testing

/// Top-K and trends over the whole cluster, against the simplest model of what happened when: F11, F12, rules F4, F5.
@Suite struct TopStories {
    /// Everything that counts, as a list of events; a ranking is a count over it.
    private struct Events {
        struct Event: Hashable {
            var metric: TopQuery.Metric
            var key: String
            /// Who did it, and what it came of: one event is taken back by name.
            var by: Id
            var region: String
            var atMs: UInt64
        }

        var events: Set<Event> = []

        mutating func remove(_ metric: TopQuery.Metric, _ key: String, by: Id) {
            events = events.filter { $0.metric != metric || $0.key != key || $0.by != by }
        }

        /// A tweet that is gone is in no ranking.
        mutating func removeTweet(_ id: Id) { events = events.filter { $0.key != "\(id)" } }

        func top(_ query: TopQuery, nowMs: UInt64) -> [String] {
            let counted = events.filter { event in
                event.metric == query.by && (query.region == nil || event.region == query.region)
                    && event.atMs >= query.window.startMs(nowMs: nowMs)
            }
            let counts = Dictionary(counted.map { ($0.key, 1) }, uniquingKeysWith: +)
            let order = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            return order.prefix(query.k).map { "\($0.key) \($0.value)" }
        }
    }

    /// Letters may be invisible; a hashtag of nothing else has no name to be listed by.
    @Test func hashtagsThatNobodyCanSeeAreNotCounted() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(4)
            for person in people {
                _ = try await cluster.client.post(Draft(text: "#rook #\u{3164} #\u{301}"), session: person.session)
            }
            try await cluster.atRest()
            let top = try await cluster.client.top(TopQuery(.hashtags), session: people[0].session)
            #expect(top.items.map { "\($0.key) \($0.count)" } == ["rook 4"])
            let trends = try await cluster.client.trends(session: people[0].session)
            #expect(trends.items.map(\.tag) == ["rook"])
        }
    }

    private static let tags = ["Rook", "crow", "raven"]

    @Test(arguments: [["local"], ["here", "there"]]) func everyRankingIsWhatHappened(regions: [String]) async throws {
        let seed = Seed.fresh()
        var setup = TestCluster.Setup(seed: seed, regions: regions)
        // The clock jumps by weeks; nobody's session may end meanwhile.
        setup.limits.sessionDays = 365
        try await TestCluster.run(setup) { cluster in
            let people = try await cluster.people(8)
            var events = Events()
            var tweets: [Id: Person] = [:]
            for round in 0..<10 {
                for _ in 0..<30 { try await act(people, &tweets, &events, cluster) }
                if round == 5 { for node in cluster.nodes { try await cluster.kill(node) } }
                for node in cluster.nodes { try await cluster.restart(node) }
                try await cluster.atRest()
                try await check(events, regions, people[0], cluster)
                let jumps: [Int64] = [0, 3, 14, 59, 61, 23 * 60, 25 * 60, 168 * 60]
                cluster.clock.advance(ms: (cluster.dice.pick(jumps) ?? 0) * 60_000)
                try await check(events, regions, people[1], cluster)
            }
        }
    }

    private func check(
        _ events: Events, _ regions: [String], _ asker: Person, _ cluster: TestCluster
    ) async throws {
        cluster.clock.stayInOneMinute()
        for what in TopQuery.What.allCases where what != .terms {
            for metric in TopQuery.metrics(of: what) where metric != .views {
                for window in TopQuery.Window.allCases {
                    for region in [nil] + regions.map(Optional.some) {
                        let query = TopQuery(what, by: metric, k: 4, window: window, region: region)
                        let list = try await cluster.completely(\.missingNodes.isEmpty) {
                            try await cluster.client.top(query, session: asker.session)
                        }
                        let found = list.items.map { "\($0.key) \($0.count)" }
                        #expect(found == events.top(query, nowMs: cluster.clock.nowMs()), "\(query)")
                        #expect(list.exact && list.missingNodes.isEmpty)
                        if what == .tweets {
                            #expect(list.items.allSatisfy { "\($0.tweet?.id.rawValue ?? 0)" == $0.key })
                        }
                    }
                }
            }
        }
    }

    private func act(
        _ people: [Person], _ tweets: inout [Id: Person], _ events: inout Events, _ cluster: TestCluster
    ) async throws {
        cluster.clock.stayInOneMinute()
        let dice = cluster.dice
        guard let me = dice.pick(people) else { return }
        let target = dice.pick(tweets.keys.sorted())
        switch dice.roll(0..<100) {
        case ..<25: try await post(me, replyTo: nil, &tweets, &events, cluster)
        case ..<35: try await post(me, replyTo: target, &tweets, &events, cluster)
        case ..<65:
            guard let target else { return }
            _ = try await cluster.client.react(.like, to: target, session: me.session)
            let event = Events.Event(
                metric: .likes, key: "\(target)", by: me.id, region: me.region, atMs: cluster.clock.nowMs())
            // A like that stands already keeps its time.
            let stands = events.events.contains { $0.metric == .likes && $0.key == event.key && $0.by == me.id }
            if !stands { events.events.insert(event) }
        case ..<78:
            guard let target else { return }
            _ = try await cluster.client.react(.like, to: target, undo: true, session: me.session)
            events.remove(.likes, "\(target)", by: me.id)
        case ..<90:
            guard let other = dice.pick(people), other != me else { return }
            let undo = dice.percent(40)
            _ = try await cluster.client.follow(other.id, undo: undo, session: me.session)
            try await cluster.atRest()
            if undo { return events.remove(.followers, other.name, by: me.id) }
            let stands = events.events.contains { $0.metric == .followers && $0.key == other.name && $0.by == me.id }
            guard !stands else { return }
            events.events.insert(
                Events.Event(
                    metric: .followers, key: other.name, by: me.id, region: me.region, atMs: cluster.clock.nowMs()))
        default:
            guard let target, let author = tweets.removeValue(forKey: target) else { return }
            let parent = try await cluster.client.show(target, session: author.session).inReplyTo
            try await cluster.client.delete(target, session: author.session)
            events.removeTweet(target)
            if let parent { events.remove(.replies, "\(parent)", by: target) }
            for tag in Self.tags { events.remove(.uses, tag.lowercased(), by: target) }
        }
    }

    private func post(
        _ me: Person, replyTo parent: Id?, _ tweets: inout [Id: Person], _ events: inout Events,
        _ cluster: TestCluster
    ) async throws {
        let tags = Self.tags.filter { _ in cluster.dice.percent(40) }
        // Twice in one tweet counts once.
        let text = "said " + (tags + tags.prefix(1)).map { "#" + $0 }.joined(separator: " ")
        let tweet = try await cluster.client.post(Draft(text: text, inReplyTo: parent), session: me.session)
        tweets[tweet.id] = me
        let atMs = tweet.id.unixMs
        if let parent {
            events.events.insert(
                Events.Event(metric: .replies, key: "\(parent)", by: tweet.id, region: me.region, atMs: atMs))
        }
        for tag in tags {
            events.events.insert(
                Events.Event(metric: .uses, key: tag.lowercased(), by: tweet.id, region: me.region, atMs: atMs))
        }
    }

    // MARK: Trends

    /// A tag that everybody uses every hour is no news; one that few used and many do now is. One voice is one vote.
    @Test func whatRisesTrendsAndWhatIsLoudDoesNot() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(8)
            let client = cluster.client
            func say(_ text: String, _ who: some Sequence<Person>) async throws {
                for person in who { _ = try await client.post(Draft(text: text), session: person.session) }
            }
            for _ in 0..<30 {
                try await say("#always", people)
                cluster.clock.advance(hours: 1)
            }
            try await say("#always", people)
            try await say("#rising", people.prefix(6))
            for _ in 0..<20 { try await say("#loud", people.prefix(1)) }
            try await cluster.atRest()
            let trends = try await client.trends(session: people[0].session)
            #expect(trends.items.map(\.tag).first == "rising")
            #expect(trends.items.first?.votes == 6)
            #expect(!trends.items.contains { $0.tag == "loud" }, "one person is below the floor")
            let always = trends.items.first { $0.tag == "always" }
            #expect(always == nil || always!.score < 1)
        }
    }

    @Test func whatOnlyFollowersReadIsNotCountedWhereEverybodyLooks() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(2)
            let client = cluster.client
            _ = try await client.post(Draft(text: "#secret", protected: true), session: people[0].session)
            _ = try await client.updateProfile(ProfileChange(protected: true), session: people[1].session)
            let hidden = try await client.post(Draft(text: "#secret"), session: people[1].session)
            _ = try await client.react(.like, to: hidden.id, session: people[1].session)
            try await cluster.atRest()
            #expect(try await client.top(TopQuery(.hashtags), session: people[0].session).items.isEmpty)
            #expect(try await client.top(TopQuery(.tweets), session: people[0].session).items.isEmpty)
            let own = try await client.top(TopQuery(.tweets), session: people[1].session)
            #expect(own.items.map(\.key) == ["\(hidden.id)"])
        }
    }

    @Test func aHomeThatIsDownIsNamed() async throws {
        try await TestCluster.run { cluster in
            let people = try await cluster.people(9)
            for person in people {
                let tweet = try await cluster.client.post(Draft(text: "liked"), session: person.session)
                _ = try await cluster.client.react(.like, to: tweet.id, session: person.session)
            }
            try await cluster.atRest()
            let home = try #require(cluster.map.owner(of: people[0].id.partition)?.id)
            let dead = try #require(cluster.nodes.first { $0 != home })
            try await cluster.kill(dead)
            let list = try await cluster.client.top(TopQuery(.tweets, k: 20), session: people[0].session)
            #expect(!list.exact && list.missingNodes == [dead.rawValue])
            let there = people.filter { cluster.map.owner(of: $0.id.partition)?.id != dead }
            #expect(list.items.count == there.count)
        }
    }

    /// A region's counts of a tweet may lie on another node than the tweet itself, which knows who may see it.
    @Test(arguments: ["here", "there"]) func aRegionsListNamesWhoseTweetsItDoesNotKnow(_ region: String) async throws {
        try await TestCluster.run(TestCluster.Setup(nodes: 4, regions: ["here", "there"])) { cluster in
            let (client, people) = (cluster.client, try await cluster.people(12))
            var tweets: [Id] = []
            for person in people {
                let tweet = try await client.post(Draft(text: "liked"), session: person.session).id
                for reader in people { _ = try await client.react(.like, to: tweet, session: reader.session) }
                tweets.append(tweet)
            }
            try await cluster.atRest()
            let home = try #require(cluster.map.owner(of: people[0].id.partition))
            let dead = try #require(
                tweets.compactMap { cluster.map.owner(of: $0.partition) }.first { $0.id != home.id },
                "everybody registered at one node")
            try await cluster.kill(dead.id)
            let list = try await client.top(TopQuery(.tweets, k: 20, region: region), session: people[0].session)
            #expect(!list.exact && list.missingNodes == [dead.id.rawValue])
            let range = try #require(cluster.map.partitioning.region(named: region))
            let known = tweets.filter { tweet in
                let places = [tweet.partition, cluster.map.partitioning.regionHome(of: tweet, region: range)]
                return places.allSatisfy { cluster.map.owner(of: $0)?.id != dead.id }
            }
            #expect(!known.isEmpty && Set(list.items.map(\.key)) == Set(known.map { "\($0)" }))
        }
    }
}
