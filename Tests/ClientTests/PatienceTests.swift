import Synchronization
import Testing

@testable import Client

@Suite("An import's patience")
struct PatienceTests {
    private let time = StillTime()

    /// Fails with these, one a try, and then succeeds; the number of tries, and the time they took.
    private func tries(_ errors: [RookeryError]) async throws -> (count: Int, ms: UInt64) {
        let count = Atomic(0)
        let startMs = time.nowMs()
        _ = try await Patience(environment: time.environment)("try") {
            let index = count.add(1, ordering: .relaxed).oldValue
            if index < errors.count { throw errors[index] }
        }
        return (count.load(ordering: .relaxed), time.nowMs() - startMs)
    }

    @Test(
        "What may pass is waited for", arguments: [RookeryError.Status.unavailable, .deadlineExceeded, .aborted])
    func passing(status: RookeryError.Status) async throws {
        let (count, ms) = try await tries([RookeryError(status, "not now"), RookeryError(status, "not yet")])
        #expect(count == 3 && ms == 200)
    }

    @Test("So is what says that it may be made again, for as long as it asks")
    func retryable() async throws {
        let busy = RookeryError(.resourceExhausted, "busy", retryable: true, retryAfterMs: 700)
        let (count, ms) = try await tries([busy])
        #expect(count == 2 && ms == 700)
    }

    @Test("A refusal is final")
    func refusal() async {
        await #expect(throws: RookeryError(.notFound, "no")) { try await tries([RookeryError(.notFound, "no")]) }
    }

    @Test("After two minutes the import gives up, and says why")
    func theEnd() async {
        let down = [RookeryError](repeating: RookeryError(.unavailable, "n1 is down"), count: 10_000)
        await #expect(throws: ImportFailure.tookTooLong(what: "try", seconds: 120, reason: "n1 is down")) {
            try await tries(down)
        }
    }
}
