/// One kind of call that the load makes.
enum LoadOperation: String, CaseIterable, Sendable {
    /// The first page of one's own home timeline.
    case home
    /// The first page of somebody's timeline.
    case user
    case post
    /// A like of one of the preload's tweets.
    case like
    /// The newest ten tweets of the last week that hold two words of the preload's texts.
    case search
    /// The ten largest of something.
    case top

    var index: Int {
        switch self {
        case .home: 0
        case .user: 1
        case .post: 2
        case .like: 3
        case .search: 4
        case .top: 5
        }
    }
}
