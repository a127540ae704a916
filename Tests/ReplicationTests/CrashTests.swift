import Cluster
import Replication
import Storage
import Testing

/// The power goes at every point of a story, and takes what was not synced. Whoever was answered finds what was
/// promised, exactly once (rules B1, B5, B6, C5).
@Suite struct CrashTests {
    struct Shape: Sendable, CustomTestStringConvertible {
        var clients: Int
        var commandsEach: Int
        var streamed: UInt64

        var testDescription: String { "\(clients) × \(commandsEach) commands, \(streamed) events" }
    }

    /// Everything found wrong, over all points at which the power may go.
    private static func losses(of story: CrashStory, _ store: ForgetfulStore, crashAgain: Bool) async throws -> [String]
    {
        var found: [String] = []
        for kept in 0...store.writeCount {
            let left = try store.afterPowerLoss(keeping: kept)
            found += try await comeBack(story, left, epoch: 2, kept: kept, retry: true)
            guard crashAgain else { continue }
            // It goes again at every point of the recovery: what was safe before is no less safe now.
            let recovering = try store.afterPowerLoss(keeping: kept)
            _ = try await withPartition(over: recovering, epoch: 2) { _ in }
            for keptOfRecovery in kept...recovering.writeCount {
                let left = try recovering.afterPowerLoss(keeping: keptOfRecovery)
                found += try await comeBack(story, left, epoch: 3, kept: kept, retry: false)
            }
        }
        return found
    }

    private static func comeBack(
        _ story: CrashStory, _ store: ForgetfulStore, epoch: UInt64, kept: Int, retry: Bool
    ) async throws -> [String] {
        try await withPartition(over: store, epoch: epoch) { partition in
            let found = try await story.violations(in: partition, store, kept: kept)
            guard retry, found.isEmpty else { return found }
            return try await story.violationsAfterRetry(in: partition, store, kept: kept)
        }.map { "after \(kept) writes: \($0)" }
    }

    @Test(arguments: [
        Shape(clients: 1, commandsEach: 10, streamed: 0), Shape(clients: 1, commandsEach: 6, streamed: 6),
        Shape(clients: 5, commandsEach: 4, streamed: 8),
    ])
    func whatWasAnsweredIsThereExactlyOnce(shape: Shape) async throws {
        let store = ForgetfulStore()
        let story = try await CrashStory.tell(
            clients: shape.clients, commandsEach: shape.commandsEach, streamed: shape.streamed, store: store)
        #expect(try await Self.losses(of: story, store, crashAgain: true) == [])
    }

    /// Long enough for the log to be trimmed on the way.
    @Test func aTrimmedLogIsEnough() async throws {
        let store = ForgetfulStore()
        let story = try await CrashStory.tell(clients: 1, commandsEach: 70, streamed: 0, store: store)
        #expect(try Rows.log(store).first?.index != 1)
        #expect(try await Self.losses(of: story, store, crashAgain: false) == [])
    }

    /// The same story over a disk that does not sync when it is told to: the test above would notice.
    @Test func withoutTheSyncWhatWasAnsweredIsLost() async throws {
        let store = ForgetfulStore(honoursSync: false)
        let story = try await CrashStory.tell(clients: 1, commandsEach: 6, streamed: 3, store: store)
        let found = try await Self.losses(of: story, store, crashAgain: false)
        #expect(found.contains { $0.contains("command 6 was answered and is lost") })
        #expect(found.contains { $0.contains("stream index 3 was answered and is lost") })
        // It loses, but it never doubles: entries are applied once however short the log is.
        #expect(!found.contains { $0.contains("times") || $0.contains("part") })
    }
}
