import Client
import Cluster
import DequeModule
import Synchronization

/// Operations start when the schedule says, answered or not; latency counts from the scheduled time, so that waiting in
/// the generator counts as waiting ("How NOT to Measure Latency", G. Tene). The workers bound what is in flight: an
/// operation that is due when all are busy is not made, and counted as overflow.
final class OpenPace: Pace {
    private typealias Continuation = UnsafeContinuation<Turn?, Never>

    private struct State {
        var idle: Deque<Continuation> = []
        var isOver = false
        var ready: UnsafeContinuation<Void, Never>?
    }

    private let workers: Int
    private let state = Mutex(State())

    init(workers: Int) { self.workers = workers }

    func turn() async -> Turn? {
        await withUnsafeContinuation { continuation in
            let (isOver, ready) = state.withLock { state in
                guard !state.isOver else { return (true, nil as UnsafeContinuation<Void, Never>?) }
                state.idle.append(continuation)
                return (false, state.idle.count == workers ? state.ready.take() : nil)
            }
            ready?.resume()
            if isOver { continuation.resume(returning: nil) }
        }
    }

    /// The schedule goes on, whatever fails.
    func failed() async {}

    /// Returns when all workers wait for their first turn. Once.
    func ready() async {
        await withUnsafeContinuation { continuation in
            let isReady = state.withLock { state in
                if state.idle.count < workers { state.ready = continuation }
                return state.idle.count == workers
            }
            if isReady { continuation.resume() }
        }
    }

    /// Hands out turns as the schedule says until it is over, then ends the workers.
    /// - Returns: how many measured operations were not made.
    func drive(_ schedule: OpenSchedule, _ environment: Environment) async throws -> Int {
        defer { end() }
        var (schedule, overflow) = (schedule, 0)
        while let nextNs = schedule.nextNs {
            let nowNs = environment.clock.monotonicNs()
            if nextNs > nowNs { try await environment.sleep(.nanoseconds(Int64(nextNs - nowNs))) }
            let wokenNs = environment.clock.monotonicNs()
            while let turn = schedule.take(nowNs: wokenNs) {
                if !offer(turn), turn.mayCount { overflow += 1 }
            }
        }
        return overflow
    }

    /// False when no worker is idle.
    private func offer(_ turn: Turn) -> Bool {
        // Who has waited longest goes first, which spreads the work over the connections.
        guard let worker = state.withLock({ $0.idle.popFirst() }) else { return false }
        worker.resume(returning: turn)
        return true
    }

    private func end() {
        let idle = state.withLock { state in
            state.isOver = true
            defer { state.idle = [] }
            return state.idle
        }
        for worker in idle { worker.resume(returning: nil) }
    }
}
