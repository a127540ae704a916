import NIOPosix
import Storage
import Synchronization

/// One node's disk writes: all partitions' entries of a moment go into one synced write, all applies of a moment into
/// one write (design: one group commit a moment). What is ready is taken together; nobody waits for company.
public final class GroupLog: Sendable {
    private struct Job: Sendable {
        var effects: Effects
        var done: @Sendable () -> Void
    }

    private struct State: Sendable {
        var appends: [Job] = []
        var applies: [Job] = []
        var isRunning = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let store: any Store
    private let thread: NIOThreadPool
    private let fatal: @Sendable (any Error) -> Void

    /// - Parameter fatal: a write or sync failed, so that what reached the disk is unknown, or what was written cannot
    ///   be read. The process must end; nothing is retried (rule C9).
    public init(store: any Store, fatal: @escaping @Sendable (any Error) -> Void) {
        self.store = store
        self.fatal = fatal
        thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
    }

    /// Writes a log entry; `done` runs once it is synced.
    public func append(_ effects: Effects, done: @escaping @Sendable () -> Void) {
        _ = submit { $0.appends.append(Job(effects: effects, done: done)) }
    }

    /// Writes what applying gives; `done` runs once it can be read. The log has it already, so it needs no sync of its
    /// own: the write-ahead log keeps it in order behind the entry (rule B5).
    public func apply(_ effects: Effects, done: @escaping @Sendable () -> Void) {
        _ = submit { $0.applies.append(Job(effects: effects, done: done)) }
    }

    /// As `apply`; returns once it can be read, or at once when the log is closed or has failed. Does not return when this
    /// very write fails: then the process ends (rule C9).
    public func apply(_ effects: Effects) async {
        await withCheckedContinuation { continuation in
            let isTaken = submit { state in
                state.applies.append(Job(effects: effects) { continuation.resume() })
            }
            if !isTaken { continuation.resume() }
        }
    }

    /// What the log holds is broken; to go on would hide it.
    func failed(_ error: any Error) { fatal(error) }

    /// Finishes what was submitted and takes nothing more.
    public func close() async throws {
        state.withLock { $0.isClosed = true }
        // Behind everything that was submitted: there is one thread.
        await withCheckedContinuation { continuation in thread.submit { _ in continuation.resume() } }
        try await thread.shutdownGracefully()
    }

    /// Returns whether it is taken: a log that is closed or has failed takes nothing.
    private func submit(_ add: (inout State) -> Void) -> Bool {
        let (isTaken, mustStart) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            add(&state)
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if mustStart { thread.submit { [self] _ in run() } }
        return isTaken
    }

    private func run() {
        while let (appends, applies) = takeReady() {
            do {
                // Applies first: somebody waits for them, and they are cheap.
                try write(applies, sync: false)
                try write(appends, sync: true)
            } catch {
                state.withLock { $0.isClosed = true }
                fatal(error)
                return
            }
        }
    }

    private func takeReady() -> ([Job], [Job])? {
        state.withLock { state in
            guard !state.appends.isEmpty || !state.applies.isEmpty else {
                state.isRunning = false
                return nil
            }
            defer {
                state.appends = []
                state.applies = []
            }
            return (state.appends, state.applies)
        }
    }

    private func write(_ jobs: [Job], sync: Bool) throws {
        guard !jobs.isEmpty else { return }
        try store.write(jobs.map(\.effects), sync: sync)
        for job in jobs { job.done() }
    }
}
