import Cluster
import Messages
import TweetText

/// What a tweet's text names, found by the server when it is posted and stored with the tweet.
enum TweetEntities {
    /// The numbers of `TweetRow.entities`; they are stored and never change their meaning.
    private enum Kind: UInt32 {
        case hashtag = 1
        case cashtag = 2
        case mention = 3
        case list = 4
        case url = 5

        init(_ kind: Entity.Kind) {
            switch kind {
            case .hashtag: self = .hashtag
            case .cashtag: self = .cashtag
            case .mention: self = .mention
            case .list: self = .list
            case .url: self = .url
            }
        }
    }

    /// Fills in the places of all entities, and each name once without regard to case.
    static func describe(_ row: inout TweetRow) {
        let found = Extractor.entities(in: row.text)
        row.entities = found.flatMap { entity in
            [Kind(entity.kind).rawValue, UInt32(entity.range.lowerBound), UInt32(entity.range.upperBound)]
        }
        row.hashtags = once(found.filter { $0.kind == .hashtag }.map(\.text))
        row.cashtags = once(found.filter { $0.kind == .cashtag }.map(\.text))
        row.urls = once(found.filter { $0.kind == .url }.map(\.text))
        // twitter-text knows longer names than this cluster gives.
        row.mentions = once(found.filter { $0.kind == .mention }.map(\.text).filter(isUsername))
    }

    private static func isUsername(_ name: String) -> Bool {
        do {
            try Username.validate(name)
            return true
        } catch {
            return false
        }
    }

    private static func once(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0.lowercased()).inserted }
    }
}
