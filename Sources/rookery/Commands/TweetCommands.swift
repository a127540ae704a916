import ArgumentParser
import Client
import Cluster

/// The text of a tweet, and how it is posted.
struct DraftOptions: ParsableArguments {
    @Argument(help: "The text; - reads standard input.") var text: String
    @Flag(help: "Only accepted followers may read it.") var protected = false
    @Option(help: "Where it is written.") var place: String?
    @Option(help: "Its language, such as en or pt-br; search finds it by lang:.") var lang: String?

    func draft(inReplyTo: Id? = nil, quoteOf: Id? = nil) throws -> Draft {
        Draft(
            text: try content(), protected: protected, place: place, inReplyTo: inReplyTo, quoteOf: quoteOf,
            lang: lang)
    }

    private func content() throws -> String {
        guard text == "-" else { return text }
        guard var content = String(validating: try Terminal.readInput(), as: UTF8.self) else {
            throw RookeryError(.invalidArgument, "standard input is not UTF-8 text")
        }
        // The line break that ends a text file is not part of the text.
        if content.hasSuffix("\n") { content.removeLast() }
        return content
    }
}

extension Context {
    func post(_ draft: Draft) async throws {
        let tweet = try await client.post(draft, session: try requiredSession())
        try show(tweet, tweets.lines(tweet))
    }
}

struct TweetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tweet", abstract: "Post a tweet.")
    @OptionGroup var common: CommonOptions
    @OptionGroup var draft: DraftOptions

    func run() async throws { try await common.withContext { try await $0.post(try draft.draft()) } }
}

struct ReplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "reply", abstract: "Answer a tweet.")
    @OptionGroup var common: CommonOptions
    @Argument var id: Id
    @OptionGroup var draft: DraftOptions

    func run() async throws { try await common.withContext { try await $0.post(try draft.draft(inReplyTo: id)) } }
}

struct QuoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "quote", abstract: "Post a tweet about a tweet.")
    @OptionGroup var common: CommonOptions
    @Argument var id: Id
    @OptionGroup var draft: DraftOptions

    func run() async throws { try await common.withContext { try await $0.post(try draft.draft(quoteOf: id)) } }
}

struct RetweetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "retweet", abstract: "Pass a tweet on.")
    @OptionGroup var common: CommonOptions
    @Argument var id: Id
    @Flag(help: "Take the retweet back.") var undo = false

    func run() async throws {
        try await common.withContext { context in
            let tweet = try await context.client.retweet(id, undo: undo, session: try context.requiredSession())
            if let tweet {
                try context.show(tweet, context.tweets.lines(tweet))
            } else {
                try context.show(RetweetUndoneDocument(retweet_of: id), ["\(id) is no longer retweeted"])
            }
        }
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete one's tweet, for ever.")
    @OptionGroup var common: CommonOptions
    @Argument var id: Id

    func run() async throws {
        try await common.withContext { context in
            try await context.client.delete(id, session: try context.requiredSession())
            try context.show(DeletedDocument(id: id), ["\(id) is deleted"])
        }
    }
}

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One tweet.")
    @OptionGroup var common: CommonOptions
    @Argument var id: Id

    func run() async throws {
        try await common.withContext { context in
            let tweet = try await context.client.show(id, session: try context.optionalSession())
            try context.show(tweet, context.tweets.lines(tweet))
        }
    }
}
