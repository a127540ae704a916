import ArgumentParser
import Client
import Cluster

struct LikeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "like", abstract: "Like a tweet; a dislike is taken back.")
    @OptionGroup var common: CommonOptions
    @Argument var id: Id
    @Flag(help: "Take the like back.") var undo = false

    func run() async throws { try await common.withContext { try await $0.react(.like, to: id, undo: undo) } }
}

struct DislikeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dislike", abstract: "Dislike a tweet; a like is taken back.")
    @OptionGroup var common: CommonOptions
    @Argument var id: Id
    @Flag(help: "Take the dislike back.") var undo = false

    func run() async throws { try await common.withContext { try await $0.react(.dislike, to: id, undo: undo) } }
}

extension Context {
    fileprivate func react(_ kind: ReactionKind, to id: Id, undo: Bool) async throws {
        let result = try await client.react(kind, to: id, undo: undo, session: try requiredSession())
        let now = result.reaction == "none" ? "no reaction" : result.reaction + "d"
        try show(result, ["\(id): \(now) · \(tweets.figures(result.world))"])
    }
}

struct CountersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "counters", abstract: "What is counted of a tweet or a user, in the world and by region.")
    @OptionGroup var common: CommonOptions
    @Argument(help: "A tweet.") var id: Id?
    @Option(help: ArgumentHelp("A user instead.", valueName: "name")) var user: String?

    func validate() throws {
        guard (id == nil) != (user == nil) else { throw ValidationError("Give a tweet's id, or --user NAME.") }
    }

    func run() async throws {
        try await common.withContext { context in
            let session = try context.optionalSession()
            if let id {
                let counters = try await context.client.counters(ofTweet: id, session: session)
                try context.show(counters, context.style.table(rows(counters)))
            } else if let user {
                let account = try await context.client.resolve(user)
                let counters = try await context.client.counters(ofUser: account.id, session: session)
                try context.show(counters, context.style.table(rows(counters)))
            }
        }
    }

    private func rows(_ counters: TweetCounters) -> [[String]] {
        func row(_ name: String, _ counts: TweetCounts) -> [String] {
            [name] + [counts.views, counts.likes, counts.dislikes, counts.replies, counts.retweets].map(String.init)
        }
        return [["", "VIEWS", "LIKES", "DISLIKES", "REPLIES", "RETWEETS"], row("world", counters.world)]
            + counters.regions.sorted { $0.key < $1.key }.map { row($0.key, $0.value) }
    }

    private func rows(_ counters: UserCounters) -> [[String]] {
        func row(_ name: String, _ counts: UserCounts) -> [String] {
            [name] + [counts.followers, counts.following, counts.tweets].map(String.init)
        }
        return [["", "FOLLOWERS", "FOLLOWING", "TWEETS"], row("world", counters.world)]
            + counters.regions.sorted { $0.key < $1.key }.map { row($0.key, $0.value) }
    }
}
