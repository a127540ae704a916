import Cluster
import Messages

/// A user's public profile.
public struct User: Codable, Hashable, Sendable {
    public var id: Id
    public var name: String
    public var displayName: String
    public var bio: String
    /// Whether only accepted followers read this user's protected tweets, and follows are requests.
    public var protected: Bool
    /// The home region.
    public var region: String
    public var createdAt: Timestamp
    public var counts: UserCounts

    enum CodingKeys: String, CodingKey {
        case id, name, bio, protected, region, counts
        case displayName = "display_name"
        case createdAt = "created_at"
    }

    init(_ message: Profile) {
        id = Id(rawValue: message.id)
        name = message.name
        displayName = message.displayName
        bio = message.bio
        protected = message.protected
        region = message.region
        createdAt = Timestamp(unixMs: message.createdMs)
        counts = UserCounts(message.counts)
    }
}

/// What to change of one's own profile; what is nil stays as it is.
public struct ProfileChange: Hashable, Sendable {
    public var displayName: String?
    public var bio: String?
    public var protected: Bool?

    public init(displayName: String? = nil, bio: String? = nil, protected: Bool? = nil) {
        self.displayName = displayName
        self.bio = bio
        self.protected = protected
    }
}

/// A user as lists name it.
public struct AccountName: Codable, Hashable, Sendable {
    public var id: Id
    public var name: String

    public init(id: Id, name: String) {
        self.id = id
        self.name = name
    }
}

/// A page of users; `next` is absent on the last one.
public struct AccountList: Codable, Hashable, Sendable {
    public var accounts: [AccountName]
    public var next: String?

    public init(accounts: [AccountName], next: String?) {
        self.accounts = accounts
        self.next = next
    }

    init(_ message: AccountListReply) {
        accounts = message.accounts.map { AccountName(id: Id(rawValue: $0.id), name: $0.name) }
        next = message.nextToken.isEmpty ? nil : message.nextToken
    }
}

/// How one account stands to another after `follow`.
public struct FollowResult: Codable, Hashable, Sendable {
    public var id: Id
    /// `none`, `requested` (the account is protected and has not answered) or `accepted`.
    public var state: String

    init(id: Id, state: EdgeState) {
        self.id = id
        self.state =
            switch state {
            case .edgeNone: "none"
            case .edgeRequested: "requested"
            case .edgeAccepted: "accepted"
            }
    }
}

/// One of the caller's sessions.
public struct SessionListing: Codable, Hashable, Sendable {
    public var id: Id
    public var createdAt: Timestamp
    public var expiresAt: Timestamp
    /// What the client that logged in calls itself.
    public var label: String
    /// Whether it is the session that asked.
    public var current: Bool

    enum CodingKeys: String, CodingKey {
        case id, label, current
        case createdAt = "created_at"
        case expiresAt = "expires_at"
    }

    init(_ message: SessionInfo) {
        id = Id(rawValue: message.id)
        createdAt = Timestamp(unixMs: message.createdMs)
        expiresAt = Timestamp(unixMs: message.expiresMs)
        label = message.label
        current = message.current
    }
}
