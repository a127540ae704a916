/// The kinds of rows a node stores; each is a column family of its own.
///
/// The numbers are part of the log's format (`Effects`): a number is never reused and never changes its meaning.
public enum Family: UInt8, CaseIterable, Sendable {
    case log = 1
    case meta = 2
    case requests = 3
    case cursors = 4
    case users = 5
    case names = 6
    case sessions = 7
    case edges = 8
    case tweets = 9
    case authors = 10
    case reactions = 11
    case threads = 12
    case counts = 13
    case sums = 14
    case tags = 15
    case directory = 16
    case search = 17

    /// The column family's name on disk; like the number it stays for ever.
    public var name: String {
        switch self {
        case .log: "log"
        case .meta: "meta"
        case .requests: "requests"
        case .cursors: "cursors"
        case .users: "users"
        case .names: "names"
        case .sessions: "sessions"
        case .edges: "edges"
        case .tweets: "tweets"
        case .authors: "authors"
        case .reactions: "reactions"
        case .threads: "threads"
        case .counts: "counts"
        case .sums: "sums"
        case .tags: "tags"
        case .directory: "directory"
        case .search: "search"
        }
    }

    /// Whether apply alone writes it, so that replaying a log gives equal bytes on every member (rule B4).
    /// The log itself and a node's own notes about it (`meta`) may differ between members, and so does the search
    /// index, which each makes from its tweets.
    public var isProduct: Bool { self != .log && self != .meta && self != .search }

    /// Where the family stands in arrays with one element a family.
    var slot: Int { Int(rawValue) - 1 }
}
