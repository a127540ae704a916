import Client
import Synchronization

/// When a run warms up, measures and ends, in nanoseconds of the monotonic clock.
struct Window: Sendable {
    let startNs: UInt64
    /// The measured time begins.
    let measureNs: UInt64
    private let plannedEndNs: UInt64
    private let stop: Stop

    /// Ends a run before its time.
    final class Stop: Sendable {
        fileprivate let ns = Atomic<UInt64>(.max)

        func stop(atNs ns: UInt64) { self.ns.store(ns, ordering: .relaxed) }
    }

    init(startNs: UInt64, warmup: Duration, length: Duration, stop: Stop = Stop()) {
        self.startNs = startNs
        self.stop = stop
        measureNs = startNs + UInt64(warmup / .nanoseconds(1))
        plannedEndNs = measureNs + UInt64(length / .nanoseconds(1))
    }

    /// Nothing starts from here on.
    var endNs: UInt64 { min(plannedEndNs, stop.ns.load(ordering: .relaxed)) }

    /// What the measured time came to. Of a run that was stopped, until its last answer: what was under way then was in
    /// time when it was sent.
    func lengthNs(lastAnswerNs: UInt64) -> UInt64 {
        let endNs = endNs == plannedEndNs ? endNs : max(endNs, lastAnswerNs)
        return endNs > measureNs ? endNs - measureNs : 0
    }

    /// The turn of an operation that starts then, in a loop that waits for answers; nil when the run is over. It counts
    /// when it is answered from the measured time on: to leave out those that are slow would flatter. The rate is of what
    /// was answered in the measured time: then answers and time belong together, however long one takes.
    func turn(at startNs: UInt64) -> Turn? {
        // Whoever is stopped by now may still be answered, and then the time goes until that answer (`lengthNs`).
        let inTime = measureNs..<plannedEndNs
        return startNs < endNs ? Turn(startNs: startNs, counted: measureNs..<UInt64.max, inTime: inTime) : nil
    }

    /// The turn of an operation of an open loop that is due then. It counts when that is in the measured time, whenever
    /// its answer comes.
    func turn(dueAt dueNs: UInt64) -> Turn? {
        let answers: Range<UInt64> = dueNs < measureNs ? 0..<0 : 0..<UInt64.max
        return dueNs < endNs ? Turn(startNs: dueNs, counted: answers, inTime: answers) : nil
    }
}

/// Leave for a worker to make one operation.
struct Turn: Hashable, Sendable {
    /// From when on its latency counts.
    let startNs: UInt64
    /// Answers that come then count.
    let counted: Range<UInt64>
    /// Those of them that make up the rate.
    let inTime: Range<UInt64>

    var mayCount: Bool { !counted.isEmpty }
}

/// Says when the workers make their operations.
protocol Pace: Sendable {
    /// Waits until it is the worker's turn; nil when the run is over. Asking says that the last one's answer is there.
    func turn() async -> Turn?

    /// The worker's last operation failed.
    func failed() async
}

extension Environment {
    /// Whoever would go on at once after a failure waits so long: refusals are quick, and those who make them may share
    /// the processors with everybody else.
    func pauseAfterFailure() async {
        // Nobody cancels a run.
        try? await sleep(.milliseconds(20))
    }
}
