import Client
import Cluster

// JSON documents of commands whose answer is not a type of the client's.

struct SessionDocument: Encodable {
    var id: Id
    var name: String
    var region: String
    var expires_at: Timestamp

    init(_ session: Session) {
        (id, name, region, expires_at) = (session.userId, session.name, session.region, session.expires)
    }
}

struct NameDocument: Encodable {
    var id: Id
    var name: String
    /// What was done: `state`'s word for it.
    var state: String
}

struct DeletedDocument: Encodable {
    var id: Id
    var deleted = true
}

struct RetweetUndoneDocument: Encodable {
    var retweet_of: Id
    var undone = true
}

struct SessionsDocument: Encodable {
    var sessions: [SessionListing]
}

struct RevokedDocument: Encodable {
    /// `null` when all others were.
    var id: Id?
    var revoked = true
}
