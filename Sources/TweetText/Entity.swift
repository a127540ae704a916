/// A piece of a tweet's text that means something: a hashtag, a cashtag, a mention, a list, a web address.
public struct Entity: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case hashtag
        case cashtag
        case mention
        /// Somebody's list, `@name/list`.
        case list
        case url
    }

    public let kind: Kind
    /// The tag, symbol or screen name without its sign; the web address as it is to be followed. Cases as written.
    public let text: String
    /// The list's part with its slash, as in `/friends`; empty unless `kind` is `list`.
    public let listSlug: String
    /// Where it stands, with its sign, in code points.
    public let range: Range<Int>
    /// The same in UTF-16 code units.
    public let utf16Range: Range<Int>
}
