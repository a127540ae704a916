import Cluster
import Messages
import Storage

/// Who may read a tweet. Decided at the author's partition, where the author's followers are known.
struct Audience {
    /// 0 for somebody who has not logged in.
    let viewer: UInt64
    let rows: any Reader

    func isProtected(_ author: Id) throws -> Bool {
        try rows.message(UserRow.self, .users, Rows.user(author))?.protected ?? false
    }

    /// Whether a list of what was found may hold the tweet: its row is there in the same snapshot (rule F6), it is not
    /// deleted, and the viewer may read it. Only at the tweet's own partition.
    func isShown(_ tweet: UInt64) throws -> Bool {
        guard let row = try rows.message(TweetRow.self, .tweets, Rows.tweet(Id(rawValue: tweet))), !row.deleted else {
            return false
        }
        return try mayRead(row)
    }

    func mayRead(_ row: TweetRow) throws -> Bool {
        let author = Id(rawValue: row.authorId)
        guard try row.access == .accessProtected || isProtected(author) else { return true }
        return try isOfTheirs(author)
    }

    /// The author, or an accepted follower.
    func isOfTheirs(_ author: Id) throws -> Bool {
        if viewer == author.rawValue { return true }
        guard viewer != 0 else { return false }
        return try rows.get(.edges, Rows.followers(of: author).appending(viewer).bytes) != nil
    }
}
