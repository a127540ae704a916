import Client
import Cluster

/// Twenty posts of each user, so that every home page is full and there is something to like. Each has a request id that
/// follows from the user's name, so that a second run adds nothing and is answered with the same tweets.
struct Preload: Sendable {
    static let postsPerUser = 20
    /// How long events between partitions may take to arrive after the last post.
    static let restLimitNs: UInt64 = 60_000_000_000

    let sessions: [Session]
    let connections: [Connection]
    /// Authors who post at once, a connection.
    let inFlight: Int
    let texts: SampleTexts
    let environment: Environment

    /// - Returns: the tweets, those of the first user first, when all that they cause is at rest.
    func run() async throws -> [Id] {
        let workers = min(connections.count * inFlight, sessions.count)
        let tweets = try await withThrowingTaskGroup(of: [Int: [Id]].self) { group in
            for worker in 0..<workers { group.addTask { try await posts(of: worker, among: workers) } }
            return try await group.reduce(into: [:]) { all, some in all.merge(some) { first, _ in first } }
        }
        try await waitForRest(connections[0].client)
        return sessions.indices.flatMap { tweets[$0] ?? [] }
    }

    /// The posts of one worker's share of the authors, by author.
    private func posts(of worker: Int, among workers: Int) async throws -> [Int: [Id]] {
        let connection = connections[worker % connections.count]
        var tweets: [Int: [Id]] = [:]
        for author in stride(from: worker, to: sessions.count, by: workers) {
            tweets[author] = try await posts(as: sessions[author], connection)
        }
        return tweets
    }

    /// One author's posts, one after the other.
    private func posts(as session: Session, _ connection: Connection) async throws -> [Id] {
        let name = Checksum.xxh3(Array(session.name.utf8))
        let purpose = Checksum.xxh3(Array("rookery bench --preload".utf8))
        var tweets: [Id] = []
        for number in 0..<Self.postsPerUser {
            let key = RequestId.permanent(hash: purpose, name, UInt64(number))
            let text = texts[Int(truncatingIfNeeded: name % 1000) + number]
            tweets.append(try await connection.client.post(Draft(text: text), session: session, key: key).id)
            connection.count()
        }
        return tweets
    }

    private func waitForRest(_ client: RookeryClient) async throws {
        let endNs = environment.clock.monotonicNs() + Self.restLimitNs
        while case let backlog = try await client.backlog(), backlog > 0 {
            guard environment.clock.monotonicNs() < endNs else {
                throw RookeryError(
                    .deadlineExceeded, "\(backlog) events of the preload are still on their way after a minute")
            }
            try await environment.sleep(.milliseconds(20))
        }
    }
}
