/// What a watcher is told.
enum HealthNews: Hashable, Sendable {
    case status(HealthStatus)
    /// No more will be said: the server stops.
    case over
}

/// What a server says of its services, and who waits to hear otherwise, decided.
///
/// A watcher is told a status, takes its time, and asks for what differs from that: it never has more than the newest
/// before it, however slow it is and however often a service changes.
struct HealthStates<Waiter> {
    private struct Wait {
        var service: String
        var told: HealthStatus
        var waiter: Waiter
    }

    /// "" is the whole server.
    private var services: [String: HealthStatus]
    private var waits: [UInt64: Wait] = [:]
    private var isDraining = false
    private var isOver = false

    /// All of them serve.
    init(services: [String]) {
        self.services = Dictionary(([""] + services).map { ($0, .serving) }) { first, _ in first }
    }

    var waitingCount: Int { waits.count }

    /// A server that drains serves nothing, whatever was said of its services.
    func status(of service: String) -> HealthStatus {
        guard let status = services[service] else { return .serviceUnknown }
        return isDraining ? .notServing : status
    }

    /// What a watcher that was told `told` is to be told now; nil: nothing yet.
    func news(of service: String, after told: HealthStatus) -> HealthNews? {
        let status = status(of: service)
        // Who has not heard of the drain hears of it before the end.
        if status != told { return .status(status) }
        return isOver ? .over : nil
    }

    mutating func wait(_ ticket: UInt64, of service: String, after told: HealthStatus, _ waiter: Waiter) {
        waits[ticket] = Wait(service: service, told: told, waiter: waiter)
    }

    /// Somebody waits no longer.
    mutating func leave(_ ticket: UInt64) -> Waiter? { waits.removeValue(forKey: ticket)?.waiter }

    // MARK: Changes; each returns whom to tell what

    mutating func set(_ service: String, serving: Bool) -> [(Waiter, HealthNews)] {
        services[service] = serving ? .serving : .notServing
        return takeNews { $0 == service }
    }

    mutating func drain() -> [(Waiter, HealthNews)] {
        isDraining = true
        return takeNews { _ in true }
    }

    mutating func end() -> [(Waiter, HealthNews)] {
        isDraining = true
        isOver = true
        return takeNews { _ in true }
    }

    private mutating func takeNews(where isConcerned: (String) -> Bool) -> [(Waiter, HealthNews)] {
        var told: [(Waiter, HealthNews)] = []
        for (ticket, wait) in waits where isConcerned(wait.service) {
            guard let news = news(of: wait.service, after: wait.told) else { continue }
            waits[ticket] = nil
            told.append((wait.waiter, news))
        }
        return told
    }
}
