import Dispatch
import Testing

@testable import Nodes

/// The threads of searches and rankings: a question ends when nobody waits for it any more.
@Suite struct QuestionPoolTests {
    @Test func aQuestionIsAnsweredOffTheCallersThread() async throws {
        let pool = QuestionPool(threads: 2)
        let answer = try await pool.answer { asker in
            try asker.check()
            return 42
        }
        #expect(answer == 42)
        try await pool.shutdown()
    }

    @Test func aQuestionWhoseCallerLeavesStops() async throws {
        let pool = QuestionPool(threads: 2)
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let call = Task {
            try await pool.answer { asker in
                beginning.yield()
                // It would look at all there is; bounded, so that a question that does not stop fails the test.
                let end = DispatchTime.now() + .seconds(30)
                while DispatchTime.now() < end { try asker.check() }
            }
        }
        for await _ in begun { break }
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        try await pool.shutdown()
    }

    @Test func aQuestionWhoseCallerLeftBeforeItsTurnIsNotBegun() async throws {
        let pool = QuestionPool(threads: 2)
        let gate = DispatchSemaphore(value: 0)
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        // All threads are busy, so the next question stands in line.
        let busy = (0..<2).map { _ in
            Task {
                try await pool.answer { _ in
                    beginning.yield()
                    _ = gate.wait(timeout: .now() + .seconds(30))
                }
            }
        }
        var started = begun.makeAsyncIterator()
        for _ in busy { await started.next() }
        let call = Task { try await pool.answer { _ in Issue.record("nobody waits for this") } }
        call.cancel()
        for _ in busy { gate.signal() }
        await #expect(throws: CancellationError.self) { try await call.value }
        for task in busy { try await task.value }
        try await pool.shutdown()
    }
}
