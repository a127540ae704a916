import Cluster
import FoundationEssentials

/// A session as it is stored, as JSON.
public struct SessionRecord: Codable, Hashable, Sendable {
    public var name: String
    public var userId: Id
    public var region: String
    public var token: [UInt8]
    public var expiresAt: Timestamp
    public var seen: [SeenWrite]

    public init(
        name: String, userId: Id, region: String, token: [UInt8], expiresAt: Timestamp, seen: [SeenWrite] = []
    ) {
        self.name = name
        self.userId = userId
        self.region = region
        self.token = token
        self.expiresAt = expiresAt
        self.seen = seen
    }

    enum CodingKeys: String, CodingKey {
        case name, region, token, seen
        case userId = "user_id"
        case expiresAt = "expires_at"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        userId = try container.decode(Id.self, forKey: .userId)
        region = try container.decode(String.self, forKey: .region)
        token = [UInt8](try container.decode(Data.self, forKey: .token))
        expiresAt = try container.decode(Timestamp.self, forKey: .expiresAt)
        seen = try container.decodeIfPresent([SeenWrite].self, forKey: .seen) ?? []
    }

    /// The token is base64 (Data's JSON form).
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(userId, forKey: .userId)
        try container.encode(region, forKey: .region)
        try container.encode(Data(token), forKey: .token)
        try container.encode(expiresAt, forKey: .expiresAt)
        if !seen.isEmpty { try container.encode(seen, forKey: .seen) }
    }
}
