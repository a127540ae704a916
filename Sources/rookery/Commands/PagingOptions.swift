import ArgumentParser
import Client

/// How much of a list to read, and from where.
struct PagingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "At most so many on a page. Timelines have 20 (to 200), lists of people 100 (to 1000), searches 10 (to 100).",
            valueName: "n"))
    var max: Int?
    @Option(help: ArgumentHelp("Go on after the page that gave this token.", valueName: "token")) var next: String?
    @Flag(help: "Go on to the end.") var all = false

    func validate() throws {
        if let max, max < 1 { throw ValidationError("--max must be 1 or more.") }
    }

    /// Reads one page, or with `--all` one after the other.
    /// - Parameter shown: told of each page as it comes.
    func pages<Value>(
        _ read: (_ max: Int, _ next: String?) async throws -> Value, next token: (Value) -> String?,
        shown: (Value) -> Void
    ) async throws -> [Value] {
        var pages: [Value] = []
        var next = next
        repeat {
            let page = try await read(max ?? 0, next)
            shown(page)
            pages.append(page)
            next = token(page)
        } while all && next != nil
        return pages
    }
}

/// `--exclude replies,retweets`.
struct ExcludeOption: ParsableArguments {
    enum Kind: String, CaseIterable {
        case replies, retweets
    }

    @Option(help: "What to leave out: replies, retweets, or both with a comma.")
    var exclude: String?

    func validate() throws { _ = try kinds() }

    func kinds() throws -> Set<Kind> {
        guard let exclude else { return [] }
        return Set(
            try exclude.split(separator: ",", omittingEmptySubsequences: false).map { word in
                guard let kind = Kind(rawValue: word.trimmed) else {
                    throw ValidationError("--exclude takes replies and retweets, not '\(word)'.")
                }
                return kind
            })
    }

    func request(max: Int, next: String?) throws -> PageRequest {
        let kinds = try kinds()
        return PageRequest(
            maxResults: max, next: next, excludeReplies: kinds.contains(.replies),
            excludeRetweets: kinds.contains(.retweets))
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

extension Context {
    /// Prints pages of tweets: as they come for a person, as one document with `--json`.
    func showTweets(
        _ paging: PagingOptions, lines: ([Tweet]) -> [String], _ read: (Int, String?) async throws -> Page
    ) async throws {
        var printed = false
        let pages = try await paging.pages(read, next: \.next) { page in
            guard !json, !page.tweets.isEmpty else { return }
            if printed { Terminal.writeLine("") }
            printed = true
            for line in lines(page.tweets) { Terminal.writeLine(line) }
        }
        let next = pages.last?.next
        if json {
            Terminal.writeLine(try JSONText.encode(Page(tweets: pages.flatMap(\.tweets), next: next)))
        } else {
            showNext(next, isEmpty: !printed)
        }
    }

    /// The same for pages of users.
    func showAccounts(_ paging: PagingOptions, _ read: (Int, String?) async throws -> AccountList) async throws {
        var printed = false
        let pages = try await paging.pages(read, next: \.next) { page in
            guard !json else { return }
            printed = printed || !page.accounts.isEmpty
            for account in page.accounts {
                Terminal.writeLine(style.name("@" + account.name) + style.faint(" · \(account.id)"))
            }
        }
        let next = pages.last?.next
        if json {
            Terminal.writeLine(try JSONText.encode(AccountList(accounts: pages.flatMap(\.accounts), next: next)))
        } else {
            showNext(next, isEmpty: !printed)
        }
    }

    static let nothing = "(nothing)"

    func showNext(_ next: String?, isEmpty: Bool, nothing: String = nothing) {
        if let next {
            Terminal.writeLine(style.faint("more: --next \(next)"))
        } else if isEmpty {
            Terminal.writeLine(style.faint(nothing))
        }
    }
}
