import ArgumentParser
import Client

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "The largest: tweets by likes, views, retweets or replies; hashtags; users; terms.",
        discussion: """
            Terms are the words of public tweets, as search has them: folded in case and width, without those of \
            hashtags, mentions and links, each once a tweet; none is left out for being common. Their counts, like \
            those of views, are estimates: 12 (−3) is 9 to 12, and the last line says how much one that is not \
            listed may have, when that is more than one that is.
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var place: RegionOption
    @Option(help: "What has happened since then counts.") var window: TopQuery.Window = .all
    @Option(help: "likes, views, retweets or replies of tweets; uses of hashtags and terms; followers of users.")
    var by: TopQuery.Metric?
    @Option(name: .customShort("k"), help: "How many, at most 1000.") var k = 10
    @Argument(help: "tweets, hashtags, users or terms.") var what: TopQuery.What

    func validate() throws {
        guard TopQuery.kRange.contains(k) else { throw ValidationError("-k must be 1 to 1000.") }
        let metrics = TopQuery.metrics(of: what)
        if let by, !metrics.contains(by) {
            let names = metrics.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\(what.rawValue) are ranked by \(names), not by \(by.rawValue).")
        }
    }

    func run() async throws {
        try await common.withContext { context in
            let query = TopQuery(what, by: by, k: k, window: window, region: place.region)
            let list = try await context.client.top(query, session: try context.requiredSession())
            try context.show(list, context.lines(list, query))
            if !context.json { context.showMissing(list.missingNodes) }
        }
    }
}

struct TrendsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trends", abstract: "Hashtags that rise, compared with their own past.",
        discussion: """
            A vote is a use of the hashtag in a public tweet; an author has one an hour. Beside the votes stands how \
            many the hashtag's past makes one expect: the seven days before, or the time since it was first seen, but a \
            day at least. The score says how surprising the votes are: 2 is a chance of one in a hundred, 10 of one in \
            ten billion. Below 3 votes, or a score of 2, nothing trends.
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var place: RegionOption
    @Option(help: "15m, 1h or 24h, which the seven days before are compared with.")
    var window: TopQuery.Window = .hour
    @Option(name: .customShort("k"), help: "How many, at most 1000.") var k = 10

    func validate() throws {
        guard TopQuery.kRange.contains(k) else { throw ValidationError("-k must be 1 to 1000.") }
        guard ![.all, .week].contains(window) else {
            throw ValidationError("trends compare a window of 15m, 1h or 24h with the seven days before it.")
        }
    }

    func run() async throws {
        try await common.withContext { context in
            let list = try await context.client.trends(
                k: k, window: window, region: place.region, session: try context.requiredSession())
            try context.show(list, context.lines(list))
            if !context.json { context.showMissing(list.missingNodes) }
        }
    }
}

struct RegionOption: ParsableArguments {
    @Option(help: "One region; without it the world.") var region: String?
}

extension TopQuery.What: ExpressibleByArgument {}
extension TopQuery.Metric: ExpressibleByArgument {}
extension TopQuery.Window: ExpressibleByArgument {}

extension Context {
    fileprivate func lines(_ list: TopList, _ query: TopQuery) -> [String] {
        guard !list.items.isEmpty else { return [style.faint("(nothing)")] }
        let width = list.items.map { figure($0).count }.max() ?? 0
        let others = list.bound.flatMap { bound in
            bound > list.items.map(\.count).min() ?? 0 ? style.faint("(another may have up to \(bound))") : nil
        }
        return lines(list.items, query, width: width) + (others.map { [$0] } ?? [])
    }

    private func lines(_ items: [TopList.Item], _ query: TopQuery, width: Int) -> [String] {
        items.enumerated().flatMap { place, item -> [String] in
            let figure = figure(item)
            let padded = String(repeating: " ", count: width - figure.count) + figure
            let head = "\(padded)  "
            switch query.what {
            case .hashtags: return [head + style.name("#" + item.key)]
            case .users: return [head + style.name("@" + item.key)]
            case .terms: return [head + item.key]
            case .tweets:
                guard let tweet = item.tweet else { return [head + item.key] }
                let indent = String(repeating: " ", count: width + 2)
                let lines = tweets.lines(tweet)
                let gap = place == 0 ? [] : [""]
                return gap + [head + lines[0]] + lines.dropFirst().map { indent + $0 }
            }
        }
    }

    private func figure(_ item: TopList.Item) -> String {
        guard let error = item.error, error > 0 else { return "\(item.count)" }
        return "\(item.count) (−\(error))"
    }

    fileprivate func lines(_ list: TrendList) -> [String] {
        guard !list.items.isEmpty else { return [style.faint("(nothing trends)")] }
        return list.items.map { item in
            let (expected, score) = ((item.expected * 10).rounded() / 10, (item.score * 10).rounded() / 10)
            return style.name("#" + item.tag)
                + style.faint(" · \(item.votes) votes, \(expected) expected · score \(score)")
        }
    }
}
