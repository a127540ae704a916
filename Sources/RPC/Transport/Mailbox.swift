import Synchronization

/// Events for an event loop from other threads: many posts cost one wake-up, and so share one flush.
final class Mailbox<Event: Sendable>: Sendable {
    private let waiting = Mutex<[Event]>([])

    /// True when the loop must be woken: this is the first event since the last `takeAll`.
    func post(_ event: Event) -> Bool {
        waiting.withLock { events in
            events.append(event)
            return events.count == 1
        }
    }

    /// - Parameter taken: empty; its memory serves for what is posted next, unless it once held very many.
    func takeAll(into taken: inout [Event]) {
        if taken.capacity > Self.mostKept { taken = [] }
        waiting.withLock { swap(&$0, &taken) }
    }

    private static var mostKept: Int { 1024 }
}
