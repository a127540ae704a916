import Client
import Cluster
import Synchronization
import Testing

/// People who do all sorts of things at once, and what a model makes of them.
final class Crowd: Sendable {
    let cluster: TestCluster
    let people: [Person]
    private let state: Mutex<Model>

    init(_ cluster: TestCluster, _ people: [Person]) {
        self.cluster = cluster
        self.people = people
        state = Mutex(Model(people))
    }

    var model: Model { state.withLock { $0 } }

    /// Everybody makes so many requests, one after the other, all people at once.
    func act(times: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for person in people {
                group.addTask { for _ in 0..<times { try await self.act(person) } }
            }
            try await group.waitForAll()
        }
    }

    private func act(_ person: Person) async throws {
        switch cluster.dice.roll(0..<100) {
        case ..<20: try await follow(person, undo: false)
        case ..<28: try await follow(person, undo: true)
        case ..<46: try await post(person, isReply: false)
        case ..<56: try await post(person, isReply: true)
        case ..<80: try await react(person)
        case ..<88: try await retweet(person)
        case ..<93: try await undoRetweet(person)
        default: try await delete(person)
        }
    }

    private func follow(_ person: Person, undo: Bool) async throws {
        let mine = model.follows.filter { $0.user == person.id }.map(\.of).sorted()
        let others = people.map(\.id).filter { $0 != person.id }
        guard let target = cluster.dice.pick(undo ? mine : others) else { return }
        let result = try await cluster.persist {
            try await cluster.client.follow(target, undo: undo, session: person.session, key: $0)
        }
        #expect(result.state == (undo ? "none" : "accepted"))
        let pair = Model.Pair(user: person.id, of: target)
        state.withLock { model in
            if undo { model.follows.remove(pair) } else { model.follows.insert(pair) }
        }
    }

    private func post(_ person: Person, isReply: Bool) async throws {
        let parent = isReply ? anyTweet() : nil
        try await unlessDoomed(parent) {
            let tweet = try await cluster.persist {
                let draft = Draft(text: "\(person.name) says \($0.random)", inReplyTo: parent)
                return try await cluster.client.post(draft, session: person.session, key: $0)
            }
            // Rule A2: a reply sorts after what it answers.
            if let parent { #expect(tweet.id > parent) }
            state.withLock { $0.posted(tweet.id, by: person.id, replyTo: parent) }
        }
    }

    private func react(_ person: Person) async throws {
        guard let tweet = anyTweet() else { return }
        let kind = cluster.dice.percent(70) ? ReactionKind.like : .dislike
        let undo = cluster.dice.percent(35)
        try await unlessDoomed(tweet) {
            _ = try await cluster.persist {
                try await cluster.client.react(kind, to: tweet, undo: undo, session: person.session, key: $0)
            }
            state.withLock { $0.reacted(kind, to: tweet, undo: undo, by: person.id) }
        }
    }

    private func retweet(_ person: Person) async throws {
        guard let tweet = anyTweet() else { return }
        let earlier = model.retweet(of: tweet, by: person.id)
        try await unlessDoomed(tweet) {
            let made = try await cluster.persist {
                try await cluster.client.retweet(tweet, session: person.session, key: $0)
            }
            let id = try #require(made?.id)
            if let earlier { #expect(id == earlier) }
            state.withLock { $0.retweeted(id, of: tweet, by: person.id) }
        }
    }

    private func undoRetweet(_ person: Person) async throws {
        let mine = model.entries.values.filter { $0.author == person.id && $0.retweetOf != nil && !$0.isDeleted }
        guard let retweet = cluster.dice.pick(mine.sorted { $0.id < $1.id }), let original = retweet.retweetOf
        else { return }
        _ = try await cluster.persist {
            try await cluster.client.retweet(original, undo: true, session: person.session, key: $0)
        }
        state.withLock { $0.deleted(retweet.id) }
    }

    private func delete(_ person: Person) async throws {
        let mine = model.entries.values.filter { $0.author == person.id && !$0.isDeleted }
        guard let entry = cluster.dice.pick(mine.sorted { $0.id < $1.id }) else { return }
        state.withLock { _ = $0.doomed.insert(entry.id) }
        try await cluster.persist { try await cluster.client.delete(entry.id, session: person.session, key: $0) }
        state.withLock { $0.deleted(entry.id) }
    }

    private func anyTweet() -> Id? { cluster.dice.pick(model.tweets.filter { !$0.isDeleted }.map(\.id)) }

    /// A tweet may go between its choice and the request; nothing else may be wrong.
    private func unlessDoomed(_ tweet: Id?, _ request: () async throws -> Void) async throws {
        do {
            try await request()
        } catch let error as RookeryError where error.status == .notFound {
            guard let tweet, model.doomed.contains(tweet) else { throw error }
        }
    }
}
