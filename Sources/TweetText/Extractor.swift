/// Finds entities in the text of tweets by the rules of twitter-text 3 (https://github.com/twitter/twitter-text).
///
/// Each function takes work linear in the length of the text, whatever it holds, and gives entities in order.
public enum Extractor {
    /// Hashtags, cashtags, mentions, lists and web addresses, none of which overlap: of two that do, the one that
    /// begins first stays. (`extractEntitiesWithIndices`)
    public static func entities(in text: String) -> [Entity] { entities(in: CodePoints(text)) }

    /// Hashtags that are not part of a web address.
    public static func hashtags(in text: String) -> [Entity] {
        let text = CodePoints(text)
        let found = hashtags(text) + urls(text)
        return withoutOverlaps(found).entities(in: text).filter { $0.kind == .hashtag }
    }

    /// Cashtags, wherever they stand.
    public static func cashtags(in text: String) -> [Entity] {
        let text = CodePoints(text)
        return cashtags(text).entities(in: text)
    }

    /// Mentions, also inside web addresses, without lists.
    public static func mentions(in text: String) -> [Entity] {
        mentionsAndLists(in: text).filter { $0.kind == .mention }
    }

    /// Mentions and lists, also inside web addresses.
    public static func mentionsAndLists(in text: String) -> [Entity] {
        let text = CodePoints(text)
        return mentions(text).entities(in: text)
    }

    /// Web addresses, with and without protocol.
    public static func urls(in text: String) -> [Entity] {
        let text = CodePoints(text)
        return urls(text).entities(in: text)
    }

    /// The screen name a tweet replies to: that of a mention which nothing but spaces precedes.
    public static func replyScreenName(in text: String) -> String? {
        let text = CodePoints(text)
        return MentionScanner(text: text).replyName().map(text.string)
    }

    static func entities(in text: CodePoints) -> [Entity] {
        withoutOverlaps(urls(text) + hashtags(text) + mentions(text) + cashtags(text)).entities(in: text)
    }

    private static func urls(_ text: CodePoints) -> [FoundEntity] {
        URLScanner.matches(in: text).map(FoundEntity.url)
    }

    private static func hashtags(_ text: CodePoints) -> [FoundEntity] {
        HashtagScanner(text: text).ranges().map(FoundEntity.hashtag)
    }

    private static func cashtags(_ text: CodePoints) -> [FoundEntity] {
        CashtagScanner(text: text).ranges().map(FoundEntity.cashtag)
    }

    private static func mentions(_ text: CodePoints) -> [FoundEntity] {
        MentionScanner(text: text).matches().map(FoundEntity.mention)
    }

    /// `removeOverlappingEntities`
    private static func withoutOverlaps(_ found: [FoundEntity]) -> [FoundEntity] {
        var end = 0
        return found.sorted { $0.range.lowerBound < $1.range.lowerBound }.filter { next in
            guard next.range.lowerBound >= end else { return false }
            end = next.range.upperBound
            return true
        }
    }
}
