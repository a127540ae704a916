import NIOCore

/// Runs tasks on an event loop: handlers' on that of their connection, so that a call that needs no other thread wakes
/// none, and one that waits for another wakes this loop only (docs/decisions/0014). What it runs must not block.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
