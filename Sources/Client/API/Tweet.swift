import Cluster
import Messages

/// A tweet as a reader sees it. A retweet has the retweet's id, author and time, and the original's text and counts.
public struct Tweet: Hashable, Sendable {
    public var id: Id
    public var author: String
    public var authorId: Id
    public var text: String
    public var createdAt: Timestamp
    /// `text`, `image`, `video` or `mixed`.
    public var type: String
    /// `public` or `protected`.
    public var access: String
    public var place: String?
    public var conversationId: Id?
    public var inReplyTo: Id?
    public var retweetOf: Id?
    public var quoteOf: Id?
    public var hashtags: [String]
    public var mentions: [String]
    public var counts: TweetCounts
    public var inReplyToAuthor: String?
    public var quotedAuthor: String?
    /// Of a retweet: who wrote the original.
    public var originalAuthor: String?
    /// Of a retweet in a timeline: all whose retweets this entry stands for, newest first (rule E1).
    public var retweeters: [String]
    /// In search results: where the text shows what was asked for, in code points.
    public var hits: [Range<Int>]
    /// A tombstone in a thread: only the ids say something.
    public var deleted: Bool

    /// Reads what the node sent.
    init(_ message: Messages.Tweet) throws(DecodingFailure) {
        let row = try TweetRow.decode(message.row)
        let original = message.original.isEmpty ? nil : try TweetRow.decode(message.original)
        let shown = original ?? row
        id = Id(rawValue: row.id)
        author = row.author
        authorId = Id(rawValue: row.authorId)
        text = shown.text
        createdAt = Timestamp(unixMs: id.unixMs)
        type = Self.name(of: shown.type)
        access = row.access == .accessProtected || shown.access == .accessProtected ? "protected" : "public"
        place = shown.place.isEmpty ? nil : shown.place
        conversationId = Self.id(shown.conversationId)
        inReplyTo = Self.id(shown.inReplyTo)
        retweetOf = Self.id(row.retweetOf)
        quoteOf = Self.id(shown.quoteOf)
        inReplyToAuthor = shown.inReplyToAuthor.isEmpty ? nil : shown.inReplyToAuthor
        quotedAuthor = shown.quotedAuthor.isEmpty ? nil : shown.quotedAuthor
        hashtags = shown.hashtags
        mentions = shown.mentions
        counts = TweetCounts(original == nil ? message.counts : message.originalCounts)
        originalAuthor = original?.author
        retweeters = message.retweeters
        deleted = row.deleted
        hits = Self.ranges(message.hits)
    }

    private static func id(_ raw: UInt64) -> Id? { raw == 0 ? nil : Id(rawValue: raw) }

    /// Pairs of first and end.
    private static func ranges(_ flat: [UInt32]) -> [Range<Int>] {
        stride(from: 0, to: flat.count - 1, by: 2).compactMap { place in
            flat[place] < flat[place + 1] ? Int(flat[place])..<Int(flat[place + 1]) : nil
        }
    }

    private static func name(of type: TweetType) -> String {
        switch type {
        case .tweetText: "text"
        case .tweetImage: "image"
        case .tweetVideo: "video"
        case .tweetMixed: "mixed"
        }
    }
}

extension Tweet: Codable {
    enum CodingKeys: String, CodingKey {
        case id, author, text, type, access, place, hashtags, mentions, counts, retweeters, deleted, hits
        case highlighted
        case authorId = "author_id"
        case createdAt = "created_at"
        case conversationId = "conversation_id"
        case inReplyTo = "in_reply_to"
        case retweetOf = "retweet_of"
        case quoteOf = "quote_of"
        case inReplyToAuthor = "in_reply_to_author"
        case quotedAuthor = "quoted_author"
        case originalAuthor = "original_author"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Id.self, forKey: .id)
        author = try container.decode(String.self, forKey: .author)
        authorId = try container.decode(Id.self, forKey: .authorId)
        text = try container.decode(String.self, forKey: .text)
        createdAt = try container.decode(Timestamp.self, forKey: .createdAt)
        type = try container.decode(String.self, forKey: .type)
        access = try container.decode(String.self, forKey: .access)
        place = try container.decodeIfPresent(String.self, forKey: .place)
        conversationId = try container.decodeIfPresent(Id.self, forKey: .conversationId)
        inReplyTo = try container.decodeIfPresent(Id.self, forKey: .inReplyTo)
        retweetOf = try container.decodeIfPresent(Id.self, forKey: .retweetOf)
        quoteOf = try container.decodeIfPresent(Id.self, forKey: .quoteOf)
        hashtags = try container.decode([String].self, forKey: .hashtags)
        mentions = try container.decode([String].self, forKey: .mentions)
        counts = try container.decode(TweetCounts.self, forKey: .counts)
        inReplyToAuthor = try container.decodeIfPresent(String.self, forKey: .inReplyToAuthor)
        quotedAuthor = try container.decodeIfPresent(String.self, forKey: .quotedAuthor)
        originalAuthor = try container.decodeIfPresent(String.self, forKey: .originalAuthor)
        retweeters = try container.decodeIfPresent([String].self, forKey: .retweeters) ?? []
        deleted = try container.decodeIfPresent(Bool.self, forKey: .deleted) ?? false
        hits = try container.decodeIfPresent([[Int]].self, forKey: .hits)?.compactMap(Self.range) ?? []
    }

    /// The fields of the documented form are always there, null where a tweet has none; what is particular to
    /// retweets and tombstones is there only with them.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(author, forKey: .author)
        try container.encode(authorId, forKey: .authorId)
        try container.encode(text, forKey: .text)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(type, forKey: .type)
        try container.encode(access, forKey: .access)
        try container.encode(place, forKey: .place)
        try container.encode(conversationId, forKey: .conversationId)
        try container.encode(inReplyTo, forKey: .inReplyTo)
        try container.encode(retweetOf, forKey: .retweetOf)
        try container.encode(quoteOf, forKey: .quoteOf)
        try container.encode(hashtags, forKey: .hashtags)
        try container.encode(mentions, forKey: .mentions)
        try container.encode(counts, forKey: .counts)
        try container.encodeIfPresent(inReplyToAuthor, forKey: .inReplyToAuthor)
        try container.encodeIfPresent(quotedAuthor, forKey: .quotedAuthor)
        try container.encodeIfPresent(originalAuthor, forKey: .originalAuthor)
        if !retweeters.isEmpty { try container.encode(retweeters, forKey: .retweeters) }
        if deleted { try container.encode(true, forKey: .deleted) }
        if !hits.isEmpty { try container.encode(hits.map { [$0.lowerBound, $0.upperBound] }, forKey: .hits) }
        try container.encodeIfPresent(highlighted, forKey: .highlighted)
    }

    private static func range(_ pair: [Int]) -> Range<Int>? {
        pair.count == 2 && pair[0] < pair[1] ? pair[0]..<pair[1] : nil
    }
}

/// A page of tweets; `next` is absent on the last one.
public struct Page: Codable, Hashable, Sendable {
    public var tweets: [Tweet]
    public var next: String?

    public init(tweets: [Tweet], next: String?) {
        self.tweets = tweets
        self.next = next
    }

    init(_ message: TimelineReply) throws(DecodingFailure) {
        tweets = []
        for tweet in message.tweets { tweets.append(try Tweet(tweet)) }
        next = message.nextToken.isEmpty ? nil : message.nextToken
    }
}

/// What to leave out of a timeline, and how much of it to read.
public struct PageRequest: Hashable, Sendable {
    /// 0 asks for the server's default.
    public var maxResults: Int
    /// A page's `next`, to go on after it.
    public var next: String?
    public var excludeReplies: Bool
    public var excludeRetweets: Bool

    public init(
        maxResults: Int = 0, next: String? = nil, excludeReplies: Bool = false, excludeRetweets: Bool = false
    ) {
        self.maxResults = maxResults
        self.next = next
        self.excludeReplies = excludeReplies
        self.excludeRetweets = excludeRetweets
    }
}
