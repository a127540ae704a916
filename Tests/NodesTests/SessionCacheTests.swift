import Cluster
import Messages
import Testing

@testable import Nodes

/// What is remembered of sessions, and for how long (rule G1).
@Suite struct SessionCacheTests {
    private struct NotThere: Error {}

    private let cache = SessionCache()
    private let user = Id(unixMs: 1_800_000_000_000, partition: PartitionId(3), sequence: 0)

    private func found(_ session: UInt64, orElse name: String?) async throws -> String {
        try await cache.found(session, of: user) {
            guard let name else { throw NotThere() }
            return .init(user: .with { $0.name = name }, session: .with { $0.id = session })
        }.user.name
    }

    @Test func whatWasFoundIsNotReadAgain() async throws {
        await #expect(throws: NotThere.self) { try await found(1, orElse: nil) }
        #expect(try await found(1, orElse: "ann") == "ann")
        #expect(try await found(1, orElse: "ben") == "ann")
        #expect(try await found(2, orElse: "cat") == "cat")
    }

    @Test func aChangeInItsPartitionEndsIt() async throws {
        _ = try await found(1, orElse: "ann")
        cache.changed(PartitionId(4))
        #expect(try await found(1, orElse: "ben") == "ann")
        cache.changed(PartitionId(3))
        #expect(try await found(1, orElse: "ben") == "ben")
    }

    /// It may have been read before the change.
    @Test func whatWasReadDuringAChangeIsNotKept() async throws {
        let first = try await cache.found(1, of: user) {
            cache.changed(PartitionId(3))
            return .init(user: .with { $0.name = "before" }, session: SessionRow())
        }
        #expect(first.user.name == "before")
        #expect(try await found(1, orElse: "after") == "after")
    }

    @Test func aFullShelfIsEmptied() async throws {
        for session in 1...UInt64(SessionCache.capacity) { _ = try await found(session, orElse: "old") }
        #expect(try await found(1, orElse: "new") == "old")
        _ = try await found(0, orElse: "one more")
        #expect(try await found(1, orElse: "new") == "new")
    }
}
