import Client
import Cluster

/// Tweets as a person reads them.
struct TweetText {
    let style: Style
    let nowMs: UInt64

    /// A tweet:
    ///
    ///     @ada · 2m · 1234567
    ///     hello
    ///     ♥ 2  ↻ 1  ↩ 3
    func lines(_ tweet: Tweet) -> [String] {
        guard !tweet.deleted else { return [style.faint("(deleted) · \(tweet.id)")] }
        return notes(tweet) + [head(tweet)] + body(tweet) + [style.faint(figures(tweet.counts))]
    }

    func lines(_ page: [Tweet]) -> [String] {
        Array(page.map { lines($0) }.joined(separator: [""]))
    }

    /// A thread as a tree: each reply under what it answers, two columns further in.
    func tree(_ tweets: [Tweet]) -> [String] {
        let ids = Set(tweets.map(\.id))
        let children = Dictionary(grouping: tweets) { tweet in tweet.inReplyTo.flatMap { ids.contains($0) ? $0 : nil } }
        var open = (children[nil] ?? []).reversed().map { (tweet: $0, depth: 0) }
        var lines: [String] = []
        // A stack of our own: a thread may be deeper than the machine's.
        while let (tweet, depth) = open.popLast() {
            let indent = String(repeating: "  ", count: min(depth, 20))
            var shown = tweet
            shown.inReplyTo = nil  // the place in the tree says it
            if !lines.isEmpty { lines.append("") }
            lines += self.lines(shown).map { indent + $0 }
            open += (children[tweet.id] ?? []).reversed().map { ($0, depth + 1) }
        }
        return lines
    }

    private func head(_ tweet: Tweet) -> String {
        let author = tweet.originalAuthor ?? tweet.author
        let lock = tweet.access == "protected" ? " · protected" : ""
        let place = tweet.place.map { " · " + Style.harmless($0) } ?? ""
        return style.name("@" + author) + style.faint(" · \(age(tweet.createdAt)) · \(tweet.id)\(place)\(lock)")
    }

    private func notes(_ tweet: Tweet) -> [String] {
        var notes: [String] = []
        if tweet.retweetOf != nil {
            let names = tweet.retweeters.isEmpty ? [tweet.author] : tweet.retweeters
            notes.append("↻ \(names.map { "@" + $0 }.joined(separator: ", ")) retweeted")
        }
        if let parent = tweet.inReplyTo { notes.append("↩ in reply to \(reference(parent, tweet.inReplyToAuthor))") }
        if let quoted = tweet.quoteOf { notes.append("❝ quotes \(reference(quoted, tweet.quotedAuthor))") }
        return notes.map(style.faint)
    }

    private func reference(_ id: Id, _ author: String?) -> String {
        author.map { "@\($0) · \(id)" } ?? "\(id)"
    }

    /// A bar stands before each further line, so that none can pass for another tweet's head or figures.
    private func body(_ tweet: Tweet) -> [String] {
        let lines = marked(tweet).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().map { place, line in place == 0 ? String(line) : style.faint("│ ") + line }
    }

    /// The text with what a search found in it standing out.
    private func marked(_ tweet: Tweet) -> String {
        // One code point for one: the hits' places stay.
        let text = Array(Style.harmless(tweet.text).unicodeScalars)
        var (marked, end) = ("", 0)
        for hit in tweet.hits where hit.lowerBound >= end && hit.upperBound <= text.count {
            marked += String(String.UnicodeScalarView(text[end..<hit.lowerBound]))
            marked += style.hit(String(String.UnicodeScalarView(text[hit])))
            end = hit.upperBound
        }
        return marked + String(String.UnicodeScalarView(text[end...]))
    }

    func figures(_ counts: TweetCounts) -> String {
        var parts = ["♥ \(counts.likes)", "↻ \(counts.retweets)", "↩ \(counts.replies)"]
        if counts.dislikes > 0 { parts.append("✗ \(counts.dislikes)") }
        if counts.views > 0 { parts.append("views \(counts.views)") }
        return parts.joined(separator: "  ")
    }

    private func age(_ time: Timestamp) -> String {
        let seconds = nowMs > time.unixMs ? (nowMs - time.unixMs) / 1000 : 0
        switch seconds {
        case ..<1: return "now"
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86_400: return "\(seconds / 3600)h"
        case ..<(7 * 86_400): return "\(seconds / 86_400)d"
        default: return String(time.description.prefix(10))
        }
    }
}
