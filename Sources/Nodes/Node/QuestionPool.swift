import NIOPosix
import Synchronization

/// The threads of questions that look at much, and of the work that keeps up what they look at: one pool for searches,
/// one for rankings. After a start a ranking may read for seconds, and no search stands in line behind it.
///
/// They are not those that evaluate commands and read rows: a search through many blocks holds up nobody's post, and
/// finds no line of others' reads before it. Source of keeping classes of work apart: Dean, Barroso, The Tail at
/// Scale, 2013.
final class QuestionPool: Sendable {
    private let threads: NIOThreadPool

    init(threads count: Int) {
        threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
    }

    /// Runs a question; one whose caller is gone before its turn has come is not begun.
    /// - Parameter question: looks at `Asker.check` now and then, between parts of its work.
    /// - Throws: what the question throws; `CancellationError` when the calling task was cancelled, by its caller or
    ///   because its time is over.
    func answer<Answer: Sendable>(
        _ question: @escaping @Sendable (Asker) throws -> Answer
    ) async throws -> Answer {
        let asker = Asker()
        return try await withTaskCancellationHandler {
            try await threads.runIfActive {
                try asker.check()
                return try question(asker)
            }
        } onCancel: {
            asker.leave()
        }
    }

    /// Runs work that nobody waits for. It is dropped when the node stops: its like must be made up for at a start.
    func work(_ work: @escaping @Sendable () -> Void) {
        threads.submit { state in
            if case .active = state { work() }
        }
    }

    /// Ends when what runs has ended.
    func shutdown() async throws { try await threads.shutdownGracefully() }
}

/// Whoever waits for an answer, as its question sees it on another thread.
final class Asker: Sendable {
    private let isGone = Atomic(false)

    /// - Throws: `CancellationError` when nobody waits any more.
    func check() throws {
        if isGone.load(ordering: .relaxed) { throw CancellationError() }
    }

    func leave() { isGone.store(true, ordering: .relaxed) }
}
