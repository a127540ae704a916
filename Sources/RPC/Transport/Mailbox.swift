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

    /// - Parameter taken: empty; its memory serves for what is posted next.
    func takeAll(into taken: inout [Event]) { waiting.withLock { swap(&$0, &taken) } }

    /// Empties what was taken, and keeps its memory for the next time, unless it is of very many.
    static func empty(_ taken: inout [Event]) {
        if taken.capacity > mostKept { taken = [] } else { taken.removeAll(keepingCapacity: true) }
    }

    private static var mostKept: Int { 64 }
}
