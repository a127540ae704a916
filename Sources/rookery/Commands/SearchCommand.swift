import ArgumentParser
import Client
import Cluster

struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Tweets of the last seven days, or with --users people.",
        discussion: """
            word #hashtag $cashtag @name  must be there, and so must all of several
            "two words"                   one after the other
            from:name to:name             by them; in reply to them
            -anything                     not
            a OR b (c d)                  one or the other; together
            since:2026-05-01              from that day on (UTC)
            until:2026-06-01              before that day
            filter:media                  or links, or replies
            min_likes:5 lang:en           en finds en-gb, too

            At most 512 characters, 32 terms, and 16 groups inside one another.
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var paging: PagingOptions
    @OptionGroup var exclude: ExcludeOption
    @Option(help: "latest: newest first, as without it. top: by likes, retweets and replies together.")
    var sort: Sort?
    @Flag(help: "Everything, not only the last seven days.") var archive = false
    @Flag(help: "People: each word of the query begins their name or a word of their display name.") var users = false
    @Option(help: "With --json, fetch as well: author, mentions, referenced, or several with commas.")
    var expand: String?
    @Argument(help: "Put it in quotes; after -- if it begins with a dash.") var query: String

    enum Sort: String, ExpressibleByArgument, CaseIterable {
        case latest, top
    }

    func validate() throws {
        _ = try expansions()
        if expand != nil, !common.json { throw ValidationError("--expand shows what it fetches with --json only.") }
        if users, let option = ofTweets {
            throw ValidationError("\(option) is about tweets and does not go with --users.")
        }
        if let max = paging.max, !SearchOptions.maxResultsRange.contains(max) {
            throw ValidationError("--max must be 1 to 100 for a search.")
        }
    }

    /// The first option that is given and means nothing for people.
    private var ofTweets: String? {
        let given = [
            ("--sort", sort != nil), ("--archive", archive), ("--exclude", exclude.exclude != nil),
            ("--expand", expand != nil),
        ]
        return given.first { $0.1 }?.0
    }

    private func expansions() throws -> Set<SearchOptions.Expansion> {
        guard let expand else { return [] }
        return Set(
            try expand.split(separator: ",", omittingEmptySubsequences: false).map { word in
                guard let expansion = SearchOptions.Expansion(rawValue: String(word)) else {
                    throw ValidationError("--expand takes author, mentions and referenced, not '\(word)'.")
                }
                return expansion
            })
    }

    func run() async throws {
        try await common.withContext { context in
            let session = try context.requiredSession()
            if users {
                try await context.showFoundUsers(paging) { max, next in
                    try await context.client.searchUsers(query, maxResults: max, next: next, session: session)
                }
            } else {
                var options = SearchOptions(
                    sort: sort == .top ? .top : .latest, archive: archive,
                    excludeReplies: try exclude.kinds().contains(.replies), expansions: try expansions())
                let nothing = archive || paging.next != nil ? Context.nothing : Context.nothingRecent
                try await context.showFound(paging, nothing: nothing) { max, next in
                    (options.maxResults, options.next) = (max, next)
                    return try await context.client.search(query, options, session: session)
                }
            }
        }
    }
}

extension Context {
    private static let defaultMax = 10
    fileprivate static let nothingRecent = "(nothing in the last seven days; --archive looks at everything)"

    /// - Parameter nothing: what to say when nothing was found.
    fileprivate func showFound(
        _ paging: PagingOptions, nothing: String, _ read: (Int, String?) async throws -> SearchPage
    ) async throws {
        var printed = false
        // By score, one that has lost a like since may come again.
        var seen: Set<Id> = []
        let pages = try await paging.pages(
            { try await read($0 == 0 ? Self.defaultMax : $0, $1).without(&seen) }, next: \.next
        ) { page in
            guard !json, !page.tweets.isEmpty else { return }
            if printed { Terminal.writeLine("") }
            printed = true
            for line in tweets.lines(page.tweets) { Terminal.writeLine(line) }
        }
        let missing = Set(pages.flatMap(\.missingNodes)).sorted()
        if json {
            Terminal.writeLine(try JSONText.encode(Self.joined(pages, missing)))
        } else {
            showNext(pages.last?.next, isEmpty: !printed, nothing: nothing)
            showMissing(missing)
            if pages.contains(where: \.partial) {
                Terminal.writeError("rookery: too much matches to be ranked: only the newest of it was")
            }
        }
    }

    /// `--all` gives one document.
    private static func joined(_ pages: [SearchPage], _ missing: [String]) -> SearchPage {
        let includes = pages.compactMap(\.includes)
        let users = Dictionary(includes.flatMap(\.users).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let tweets = Dictionary(includes.flatMap(\.tweets).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return SearchPage(
            tweets: pages.flatMap(\.tweets), next: pages.last?.next, missingNodes: missing,
            partial: pages.contains(where: \.partial),
            includes: includes.isEmpty
                ? nil
                : SearchPage.Includes(
                    users: users.values.sorted { $0.id < $1.id }, tweets: tweets.values.sorted { $0.id < $1.id }))
    }

    fileprivate func showFoundUsers(
        _ paging: PagingOptions, _ read: (Int, String?) async throws -> UserSearchPage
    ) async throws {
        let pages = try await paging.pages(
            { try await read($0 == 0 ? Self.defaultMax : $0, $1) }, next: \.next
        ) { page in
            guard !json else { return }
            for user in page.users {
                let name = user.displayName.isEmpty ? "" : " " + Style.harmless(user.displayName)
                Terminal.writeLine(style.name("@" + user.name) + name + style.faint(" · \(user.id)"))
            }
        }
        let users = pages.flatMap(\.users)
        let missing = Set(pages.flatMap(\.missingNodes)).sorted()
        if json {
            let page = UserSearchPage(users: users, next: pages.last?.next, missingNodes: missing)
            Terminal.writeLine(try JSONText.encode(page))
        } else {
            showNext(pages.last?.next, isEmpty: users.isEmpty)
            showMissing(missing)
        }
    }

    /// What is not there because a node did not answer must not look as if there were nothing.
    func showMissing(_ nodes: [String]) {
        guard !nodes.isEmpty else { return }
        let holding = nodes.count == 1 ? "it holds" : "they hold"
        Terminal.writeError("rookery: \(nodes.joined(separator: ", ")) did not answer: what \(holding) is missing")
    }
}
