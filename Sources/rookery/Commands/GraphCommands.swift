import ArgumentParser
import Client
import Cluster

struct FollowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follow", abstract: "Follow a user; a protected one is asked first.")
    @OptionGroup var common: CommonOptions
    @Argument var name: String
    @Flag(help: "Follow no longer, or take the request back.") var undo = false

    func run() async throws {
        try await common.withContext { context in
            let session = try context.requiredSession()
            let account = try await context.client.resolve(name)
            let result = try await context.client.follow(account.id, undo: undo, session: session)
            let line =
                switch result.state {
                case "accepted": "you follow @\(account.name)"
                case "requested": "@\(account.name) is asked to let you follow"
                default: "you do not follow @\(account.name)"
                }
            try context.show(NameDocument(id: account.id, name: account.name, state: result.state), [line])
        }
    }
}

struct FollowersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "followers", abstract: "Who follows a user.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var paging: PagingOptions
    @Argument(help: "Default: oneself.") var name: String?

    func run() async throws {
        try await common.withContext { context in
            let (user, session) = try await context.account(name)
            try await context.showAccounts(paging) { max, next in
                try await context.client.followers(of: user, maxResults: max, next: next, session: session)
            }
        }
    }
}

struct FollowingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "following", abstract: "Whom a user follows.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var paging: PagingOptions
    @Argument(help: "Default: oneself.") var name: String?

    func run() async throws {
        try await common.withContext { context in
            let (user, session) = try await context.account(name)
            try await context.showAccounts(paging) { max, next in
                try await context.client.following(of: user, maxResults: max, next: next, session: session)
            }
        }
    }
}

struct RequestsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "requests", abstract: "Who asks to follow one.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var paging: PagingOptions

    func run() async throws {
        try await common.withContext { context in
            let session = try context.requiredSession()
            try await context.showAccounts(paging) { max, next in
                try await context.client.followRequests(maxResults: max, next: next, session: session)
            }
        }
    }
}

struct AcceptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "accept", abstract: "Let a user follow one.")
    @OptionGroup var common: CommonOptions
    @Argument var name: String

    func run() async throws { try await common.withContext { try await $0.answer(name, accept: true) } }
}

struct RejectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "reject", abstract: "Do not let a user follow one.")
    @OptionGroup var common: CommonOptions
    @Argument var name: String

    func run() async throws { try await common.withContext { try await $0.answer(name, accept: false) } }
}

extension Context {
    /// The named user, else the session's own.
    fileprivate func account(_ name: String?) async throws -> (Id, Session?) {
        guard let name else {
            let session = try requiredSession()
            return (session.userId, session)
        }
        return (try await client.resolve(name).id, try optionalSession())
    }

    fileprivate func answer(_ name: String, accept: Bool) async throws {
        let session = try requiredSession()
        let account = try await client.resolve(name)
        try await client.answerRequest(of: account.id, accept: accept, session: session)
        try show(
            NameDocument(id: account.id, name: account.name, state: accept ? "accepted" : "rejected"),
            [accept ? "@\(account.name) follows you now" : "@\(account.name) does not follow you"])
    }
}
