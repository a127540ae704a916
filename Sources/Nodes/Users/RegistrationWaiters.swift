import Cluster
import Messages
import NIOCore
import Replication
import Synchronization

/// Those who wait for a pending user to become active or to go: an observer of the log.
final class RegistrationWaiters: AppliedObserver {
    private struct State: Sendable {
        var next: UInt64 = 0
        /// User → waiter → continuation.
        var waiting: [UInt64: [UInt64: CheckedContinuation<Void, Never>]] = [:]
    }

    private let state = Mutex(State())

    /// - Throws: `ReplicationError.corrupt` for a note that cannot be read: whoever waits for it would wait in vain.
    func applied(_ entry: LogEntry, in partition: Partition) throws {
        for event in entry.events where event.kind == EventKind.eventUserSettled.rawValue {
            do {
                resume(try NameAnswer.decode(event.body).userId)
            } catch {
                let what = "a registration's note in log entry \(entry.index): \(error)"
                throw ReplicationError.corrupt(partition: partition.id, what: what)
            }
        }
    }

    /// Waiters begin by looking at what is stored, so no note has to be kept for them.
    func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64 { appliedIndex }

    /// Returns after the user's note, or when `isSettled` says that there is nothing to wait for, or at the deadline.
    func wait(
        for user: UInt64, on loop: any EventLoop, until deadline: NIODeadline,
        unless isSettled: @escaping @Sendable () async -> Bool
    ) async {
        await withCheckedContinuation { continuation in
            let waiter = state.withLock { state in
                state.next += 1
                state.waiting[user, default: [:]][state.next] = continuation
                return state.next
            }
            // Only now: whichever of the three comes first finds the continuation.
            let timeout = loop.scheduleTask(deadline: deadline) { self.resume(user, waiter) }
            Task {
                guard await isSettled() else { return }
                timeout.cancel()
                resume(user, waiter)
            }
        }
    }

    private func resume(_ user: UInt64) {
        let waiters = state.withLock { $0.waiting.removeValue(forKey: user) } ?? [:]
        for waiter in waiters.values { waiter.resume() }
    }

    private func resume(_ user: UInt64, _ waiter: UInt64) {
        let continuation = state.withLock { state in
            defer { if state.waiting[user]?.isEmpty == true { state.waiting[user] = nil } }
            return state.waiting[user]?.removeValue(forKey: waiter)
        }
        continuation?.resume()
    }
}
