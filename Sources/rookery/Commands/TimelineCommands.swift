import ArgumentParser
import Client
import Cluster

struct HomeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "home", abstract: "One's own and the followed accounts' tweets, newest first.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var paging: PagingOptions
    @OptionGroup var exclude: ExcludeOption

    func run() async throws {
        try await common.withContext { context in
            let session = try context.requiredSession()
            try await context.showTweets(paging, lines: context.tweets.lines) { max, next in
                try await context.client.home(try exclude.request(max: max, next: next), session: session)
            }
        }
    }
}

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "A user's tweets, newest first.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var paging: PagingOptions
    @OptionGroup var exclude: ExcludeOption
    @Argument var name: String

    func run() async throws {
        try await common.withContext { context in
            let account = try await context.client.resolve(name)
            let session = try context.optionalSession()
            try await context.showTweets(paging, lines: context.tweets.lines) { max, next in
                let request = try exclude.request(max: max, next: next)
                return try await context.client.timeline(of: account.id, request, session: session)
            }
        }
    }
}

struct ThreadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thread", abstract: "The conversation that a tweet belongs to, as a tree.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var paging: PagingOptions
    @Argument var id: Id

    func run() async throws {
        try await common.withContext { context in
            let session = try context.optionalSession()
            try await context.showTweets(paging, lines: context.tweets.tree) { max, next in
                try await context.client.thread(id, maxResults: max, next: next, session: session)
            }
        }
    }
}
