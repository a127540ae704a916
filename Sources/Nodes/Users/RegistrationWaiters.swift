import Cluster
import Messages
import NIOCore
import Replication
import Synchronization

/// Those who wait for a pending user to become active or to go: an observer of the log.
final class RegistrationWaiters: AppliedObserver {
    private let waiting = Mutex<[UInt64: [CheckedContinuation<Void, Never>]]>([:])

    func applied(_ entry: LogEntry, in partition: Partition) {
        for event in entry.events where event.kind == EventKind.eventUserSettled.rawValue {
            // Written by this node's own evaluation; waiters look at the stored user, not at the note.
            guard let settled = try? NameAnswer.decode(event.body) else { continue }
            resume(settled.userId)
        }
    }

    /// Waiters begin by looking at what is stored, so no note has to be kept for them.
    func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64 { appliedIndex }

    /// Runs `start` once this waiter is known, and returns after the user's note, or when `start` says that there is
    /// nothing to wait for, or at the deadline.
    func wait(
        for user: UInt64, on loop: any EventLoop, until deadline: NIODeadline,
        unless isSettled: @escaping @Sendable () async -> Bool
    ) async {
        let timeout = loop.scheduleTask(deadline: deadline) { self.resume(user) }
        defer { timeout.cancel() }
        await withCheckedContinuation { continuation in
            waiting.withLock { $0[user, default: []].append(continuation) }
            Task { if await isSettled() { resume(user) } }
        }
    }

    private func resume(_ user: UInt64) {
        for waiter in waiting.withLock({ $0.removeValue(forKey: user) }) ?? [] { waiter.resume() }
    }
}
