import Synchronization

/// Says for a server, and for each of its services, whether it takes work: ``Server/health``.
///
/// In the beginning every service of the method table serves; a service that is set is known from then on.
public final class HealthBoard: Sendable {
    typealias Waiter = CheckedContinuation<HealthNews, Never>

    private struct State {
        var states: HealthStates<Waiter>
        var nextTicket: UInt64 = 0
        /// Watchers whose task was cancelled before they came to wait.
        var cancelled: Set<UInt64> = []
    }

    private let state: Mutex<State>

    init(services: [String]) {
        state = Mutex(State(states: HealthStates(services: services)))
    }

    /// Says that a service takes work or does not; "" is the whole server. A drain overrules it.
    public func set(_ service: String, serving: Bool) { change { $0.set(service, serving: serving) } }

    /// ``HealthStatus/serviceUnknown`` when there is no such service.
    public func status(of service: String) -> HealthStatus { state.withLock { $0.states.status(of: service) } }

    func drain() { change { $0.drain() } }

    /// Who watches is told that nothing serves any more, and then that it is over.
    func end() { change { $0.end() } }

    /// Watchers that wait for a change.
    var waitingCount: Int { state.withLock { $0.states.waitingCount } }

    private func change(_ body: (inout HealthStates<Waiter>) -> [(Waiter, HealthNews)]) {
        for (waiter, news) in state.withLock({ body(&$0.states) }) { waiter.resume(returning: news) }
    }

    /// Returns when the status is another than `told`, at once when it is so already. Throws a `CancellationError`
    /// when the task is cancelled.
    func news(of service: String, after told: HealthStatus) async throws -> HealthNews {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let news = await withTaskCancellationHandler {
            await withCheckedContinuation { wait(ticket, of: service, after: told, $0) }
        } onCancel: {
            cancel(ticket)
        }
        state.withLock { _ = $0.cancelled.remove(ticket) }
        try Task.checkCancellation()
        return news
    }

    private func wait(_ ticket: UInt64, of service: String, after told: HealthStatus, _ waiter: Waiter) {
        let news: HealthNews? = state.withLock { state in
            if state.cancelled.contains(ticket) { return .over }
            if let news = state.states.news(of: service, after: told) { return news }
            state.states.wait(ticket, of: service, after: told, waiter)
            return nil
        }
        if let news { waiter.resume(returning: news) }
    }

    private func cancel(_ ticket: UInt64) {
        let waiter = state.withLock { state in
            state.cancelled.insert(ticket)
            return state.states.leave(ticket)
        }
        waiter?.resume(returning: .over)
    }
}
