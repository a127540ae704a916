import Client
import Cluster
import Testing

/// Holds what a cluster at rest shows against the model: P4, P5, P6 and P7.
struct ModelCheck {
    let cluster: TestCluster
    let model: Model

    func run() async throws {
        for person in model.people.values.sorted(by: { $0.id < $1.id }) {
            try await graph(person)
            try await timelines(person)
        }
        for tweet in model.tweets { try await self.tweet(tweet) }
        for tweet in model.tweets where tweet.root == tweet.id { try await thread(tweet) }
    }

    private func graph(_ person: Person) async throws {
        #expect(try await cluster.everyFollower(of: person.id) == model.followers(of: person.id), "\(person.name)")
        #expect(try await cluster.everyFollowing(of: person.id) == model.following(of: person.id), "\(person.name)")
        let shown = try await cluster.client.counters(ofUser: person.id)
        #expect(shown.world == model.counts(ofUser: person.id), "\(person.name)")
        for region in cluster.config.regions.map(\.name) {
            let expected = model.counts(ofUser: person.id, in: region)
            #expect(shown.regions[region] ?? UserCounts() == expected, "\(person.name) in \(region)")
        }
    }

    private func timelines(_ person: Person) async throws {
        let home = try await cluster.client.home(PageRequest(maxResults: 200), session: person.session)
        #expect(home.tweets.map(Self.shown) == model.home(of: person.id), "home of \(person.name)")
        #expect(home.next == nil, "the stories keep to what fits one page")
        let own = try await cluster.client.timeline(of: person.id, PageRequest(maxResults: 200))
        #expect(own.tweets.map(Self.shown) == model.page(of: [person.id]), "timeline of \(person.name)")
    }

    static func shown(_ tweet: Tweet) -> Model.Shown {
        Model.Shown(id: tweet.id, retweeters: tweet.retweeters)
    }

    /// Seen by nobody in particular and by somebody of each region: at rest everybody sees the same.
    private func tweet(_ entry: Model.Entry) async throws {
        guard !entry.isDeleted else {
            let error = await #expect(throws: RookeryError.self) { try await cluster.client.show(entry.id) }
            #expect(error?.message == "tweet \(entry.id) was deleted")
            return
        }
        var viewers: [Session?] = [nil]
        for region in cluster.config.regions {
            viewers.append(model.people.values.first { $0.region == region.name }?.session)
        }
        for viewer in viewers {
            let shown = try await cluster.client.counters(ofTweet: entry.id, session: viewer)
            #expect(shown.world == model.counts(ofTweet: entry.id), "\(entry.id)")
            for region in cluster.config.regions.map(\.name) {
                let expected = model.counts(ofTweet: entry.id, in: region)
                #expect(shown.regions[region] ?? TweetCounts() == expected, "\(entry.id) in \(region)")
            }
        }
    }

    private func thread(_ root: Model.Entry) async throws {
        let page = try await cluster.client.thread(root.id, maxResults: 1000)
        #expect(page.tweets.map(\.id) == model.thread(root.id), "thread \(root.id)")
        let tombstones = page.tweets.filter(\.deleted).map(\.id)
        #expect(tombstones == model.thread(root.id).filter { model.entries[$0]?.isDeleted ?? false })
    }
}
