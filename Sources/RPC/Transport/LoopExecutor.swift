import NIOCore
import Synchronization

/// Runs tasks on an event loop: handlers' on that of their connection, so that a call that needs no other thread wakes
/// none, and one that waits for another wakes this loop only (docs/decisions/0014). What it runs must not block.
final class LoopExecutor: TaskExecutor {
    /// Far enough away not to be due at once.
    private static let breath = TimeAmount.microseconds(20)

    private let loop: any EventLoop
    private let mostInARow: Int
    private let inARow = Atomic<Int>(0)

    /// - Parameter mostInARow: jobs after which the loop must look at its sockets. It does so only when nothing is left
    ///   to run, and a task that never has to wait would keep it from that.
    init(_ loop: any EventLoop, mostInARow: Int) {
        self.loop = loop
        self.mostInARow = mostInARow
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isTurnOver = inARow.add(1, ordering: .relaxed).newValue.isMultiple(of: mostInARow)
        if isTurnOver, loop.inEventLoop {
            loop.scheduleTask(in: Self.breath) { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        } else {
            loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}
