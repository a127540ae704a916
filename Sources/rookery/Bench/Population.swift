import Client
import Cluster

/// Who acts, and what they act on.
struct Population: Sendable {
    /// Sessions are read from files, one a user: this bounds how long that takes, and the memory.
    static let limit = 100_000

    let sessions: [Session]
    /// The preload's tweets.
    var tweets: [Id] = []

    /// The users that imports have made.
    /// - Throws: `failedPrecondition` when there are none.
    init(_ store: SessionStore, nowMs: UInt64) throws {
        sessions = try store.importedSessions(limit: Self.limit, nowMs: nowMs)
        guard !sessions.isEmpty else {
            throw RookeryError(
                .failedPrecondition,
                "there are no sessions of imported users that are still valid: run `rookery import --graph …` first,"
                    + " or give --graph FILE")
        }
    }
}
