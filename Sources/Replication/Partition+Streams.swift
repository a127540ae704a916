import Cluster
import Messages
import NIOCore
import NIOPosix
import Storage

// Both ends of the streams between partitions (rules D1, D2).
extension Partition {
    struct Arrival {
        var batches: [StreamBatch]
        var answer: CheckedContinuation<[StreamCursor], any Error>
    }

    /// How far a source's stream has come; positions of a later life of its log are beyond all of an earlier one, which
    /// was reconciled before the later one was taken (rule D3).
    struct Arrived: Comparable {
        var incarnation: UInt64
        var index: UInt64

        static func < (a: Arrived, b: Arrived) -> Bool { (a.incarnation, a.index) < (b.incarnation, b.index) }
    }

    struct SeenWaiter {
        var source: PartitionId
        var position: Arrived
        var timeout: Scheduled<Void>
        var continuation: CheckedContinuation<Void, any Error>
    }

    // MARK: The sending end

    /// What these destinations should hear next; each batch must be answered with `answered` or `failed`.
    ///
    /// - Parameters:
    ///   - maxBytes: of one batch.
    ///   - budget: of all of them; a destination that finds nothing left has to ask again.
    /// - Returns: the batches, and the destinations that were left out.
    public func nextBatches(
        to destinations: [PartitionId], maxBytes: Int, budget: Int
    ) -> (batches: [StreamBatch], left: [PartitionId]) {
        var batches: [StreamBatch] = []
        var spent = 0
        for (place, destination) in destinations.enumerated() {
            guard spent < budget else { return (batches, Array(destinations[place...])) }
            guard let batch = outbox.nextBatch(for: destination, maxBytes: maxBytes) else { continue }
            spent += batch.events.reduce(64) { $0 + $1.body.count + 16 }
            batches.append(batch)
        }
        return (batches, [])
    }

    /// Destinations with something to hear, after a start or a failure.
    public func waitingDestinations() -> [PartitionId] { outbox.waiting }

    public func answered(_ cursors: [StreamCursor]) {
        for cursor in cursors {
            let destination = PartitionId(UInt16(truncatingIfNeeded: cursor.destination))
            if outbox.isForeign(cursor) {
                logger.error(
                    "a stream's receiver knows another life of this log",
                    metadata: [
                        "partition": "\(id)", "destination": "\(destination)", "incarnation": "\(cursor.incarnation)",
                    ])
            }
            outbox.answered(cursor, by: destination)
        }
        let waiting = outbox.waiting
        if !waiting.isEmpty { hasNews(id, waiting) }
    }

    public func failed(_ destinations: [PartitionId]) {
        for destination in destinations { outbox.failed(destination) }
    }

    // MARK: The receiving end

    /// Takes what other partitions tell this one. What arrives while an entry is being made shares the next one.
    /// - Returns: for each batch the cursor of its source, after the batches that were taken are committed and applied;
    ///   `notOwner` for those that are not this partition's; nothing for those that something stored or sent makes
    ///   impossible to take.
    /// - Throws: when that is so for all of them, or the partition does not serve.
    public func receive(_ batches: [StreamBatch]) async throws -> [StreamCursor] {
        assert(Self.callsDoNotSuspend, "a delivery's task prefers no executor (docs/decisions/0014)")
        guard isServing else { throw ReplicationError.notServing(partition: id) }
        let mine = batches.filter(isMine)
        let others = batches.filter { !isMine($0) }.map { StreamCursor.notOwner($0) }
        guard !mine.isEmpty else { return others }
        return try await withCheckedThrowingContinuation { continuation in
            arrivals.append(Arrival(batches: mine, answer: continuation))
            startReceiving()
        } + others
    }

    /// Numbers that no partition can have would be cut down to another one's.
    private func isMine(_ batch: StreamBatch) -> Bool {
        batch.destination == UInt32(id.rawValue) && UInt16(exactly: batch.source) != nil
    }

    private func startReceiving() {
        guard !isReceiving, !arrivals.isEmpty else { return }
        isReceiving = true
        // Bounded, so that one entry stays far below what storage takes as one value.
        var bytes = 0
        let count = arrivals.prefix { arrival in
            defer { bytes += arrival.batches.reduce(0) { $0 + $1.events.reduce(64) { $0 + $1.body.count + 16 } } }
            return bytes < settings.maxEntryBytes / 4
        }.count
        let taken = Array(arrivals.prefix(count))
        arrivals.removeFirst(count)
        Task { await take(taken) }
    }

    private func take(_ taken: [Arrival]) async {
        do {
            let cursors = try await takeIn(taken.flatMap(\.batches))
            var rest = cursors[...]
            for arrival in taken {
                arrival.answer.resume(returning: Array(rest.prefix(arrival.batches.count)))
                rest = rest.dropFirst(arrival.batches.count)
            }
        } catch {
            await takeOneByOne(taken, after: error)
        }
        isReceiving = false
        startReceiving()
        noteProgress()
    }

    /// Something in there cannot be taken; the others must not wait for it.
    private func takeOneByOne(_ taken: [Arrival], after error: any Error) async {
        for arrival in taken {
            var (cursors, failure) = ([StreamCursor](), error)
            for batch in arrival.batches {
                do {
                    cursors += try await takeIn([batch])
                } catch {
                    failure = error
                    logger.error(
                        "a stream batch could not be taken",
                        metadata: ["partition": "\(id)", "source": "\(batch.source)", "error": "\(error)"])
                }
            }
            if cursors.isEmpty {
                arrival.answer.resume(throwing: failure)
            } else {
                arrival.answer.resume(returning: cursors)
            }
        }
    }

    private func takeIn(_ batches: [StreamBatch]) async throws -> [StreamCursor] {
        let handler = handler
        // No latch on the cursors: one entry of arrivals is made at a time, and nothing else writes them.
        let latches = try batches.flatMap { batch in
            let source = PartitionId(UInt16(truncatingIfNeeded: batch.source))
            return try batch.events.flatMap { try handler.latches(for: $0, from: source) }
        }
        let ticket = await hold(latches)
        defer { release(ticket) }
        let (cursors, evaluation) = try await evaluate(batches)
        if !evaluation.effects.isEmpty || !evaluation.events.isEmpty {
            _ = await withCheckedContinuation { continuation in
                propose(
                    Proposal(
                        request: nil, answer: [], effects: evaluation.effects, events: evaluation.events, highestId: 0,
                        committed: continuation))
            }
        }
        for cursor in cursors { noteArrival(cursor) }
        return cursors
    }

    private struct Received: Sendable {
        var effects: Effects
        var events: [Event]
    }

    private func evaluate(_ batches: [StreamBatch]) async throws -> ([StreamCursor], Received) {
        let (store, partition, position) = (store, id, logPosition)
        let (nowMs, handler) = (clock.nowMs(), handler)
        return try await pool.runIfActive {
            let evaluation = Evaluation(
                rows: Transaction(over: store), partition: partition, log: position, nowMs: nowMs, ids: [])
            let cursors = try batches.map { batch in
                try Self.receive(batch, at: partition, with: handler, in: evaluation)
            }
            return (cursors, Received(effects: evaluation.rows.effects, events: evaluation.events))
        }
    }

    /// The effects of a batch and the cursor that says so go into one entry: exactly once, or not at all.
    private static func receive(
        _ batch: StreamBatch, at partition: PartitionId, with handler: any EventHandler, in evaluation: Evaluation
    ) throws -> StreamCursor {
        let source = PartitionId(UInt16(truncatingIfNeeded: batch.source))
        let key = ReplicationKeys.cursor(partition, source: source)
        let stored = try evaluation.rows.get(.cursors, key).map { try CursorRow.decode($0) }
        // Until something is taken no life of the source is known: a batch's own word is not the receiver's.
        var row = stored ?? CursorRow()
        let decision = StreamInbox.decide(stored: stored, batch: batch)
        if decision == .take {
            for event in batch.events { try handler.handle(event, from: source, in: evaluation) }
            row.incarnation = batch.incarnation
            row.index = batch.to
            evaluation.rows.put(.cursors, key, row.encode())
        }
        return .with {
            $0.source = batch.source
            $0.destination = batch.destination
            $0.incarnation = row.incarnation
            $0.index = row.index
            $0.taken = decision == .take
        }
    }

    // MARK: Waiting for what a session wrote elsewhere

    /// Returns once this partition has taken the source's stream up to `index` of that life of its log.
    /// - Throws: `ReplicationError.notCaughtUp` when that does not come before the deadline.
    public func waitFor(
        _ source: PartitionId, incarnation: UInt64, index: UInt64, deadline: NIODeadline
    ) async throws {
        let position = Arrived(incarnation: incarnation, index: index)
        if arrived[source] == nil { try await readArrived(from: source) }
        guard let known = arrived[source], known < position else { return }
        let waiter = nextSeenWaiter
        nextSeenWaiter += 1
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // A task that prefers another executor gave this one up on its way here.
            guard let known = arrived[source], known < position else { return continuation.resume() }
            let timeout = loop.scheduleTask(deadline: deadline) { [self] in
                assumeIsolated { $0.giveUp(waiter) }
            }
            seenWaiters[waiter] = SeenWaiter(
                source: source, position: position, timeout: timeout, continuation: continuation)
        }
    }

    private func readArrived(from source: PartitionId) async throws {
        let key = ReplicationKeys.cursor(id, source: source)
        let row = try await read { try $0.get(.cursors, key).map { try CursorRow.decode($0) } ?? CursorRow() }
        let stored = Arrived(incarnation: row.incarnation, index: row.index)
        // Something may have arrived during the read.
        arrived[source] = max(arrived[source] ?? stored, stored)
    }

    private func giveUp(_ waiter: UInt64) {
        seenWaiters.removeValue(forKey: waiter)?.continuation
            .resume(throwing: ReplicationError.notCaughtUp(partition: id))
    }

    private func noteArrival(_ cursor: StreamCursor) {
        let source = PartitionId(UInt16(truncatingIfNeeded: cursor.source))
        let position = Arrived(incarnation: cursor.incarnation, index: cursor.index)
        arrived[source] = max(arrived[source] ?? position, position)
        for (waiter, waiting) in seenWaiters where waiting.source == source && waiting.position <= position {
            seenWaiters[waiter] = nil
            waiting.timeout.cancel()
            waiting.continuation.resume()
        }
    }

    // MARK: Housekeeping

    /// Forgets the answers to requests that are too old to be asked again. Through the log, like every change of
    /// product rows (rule B4).
    public func forgetOldRequests() async throws {
        let now = clock.nowMs()
        guard now > RequestLifetime.keptMs else { return }
        let first = Key(partition: id.rawValue).bytes
        let end = ReplicationKeys.request(id, RequestId(timeMs: now - RequestLifetime.keptMs, random: 0))
        // In steps: a busy day's ids are too many for one entry.
        let step = 5000
        let command = Command(requestId: nil, latches: []) { evaluation in
            // No latch: ids this old are refused before they are looked up.
            let old = try evaluation.rows.rows(.requests, from: first, to: end, limit: step)
            for row in old { evaluation.rows.delete(.requests, row.key) }
            return old.count < step ? [] : [1]
        }
        while try await !execute(command).answer.isEmpty {}
    }
}

extension StreamCursor {
    /// The answer to a batch for a partition that is not served here.
    public static func notOwner(_ batch: StreamBatch) -> StreamCursor {
        .with {
            $0.source = batch.source
            $0.destination = batch.destination
            $0.notOwner = true
        }
    }
}

extension Partition {
    /// Runs `body` on the partition's event loop after a while.
    public nonisolated func afterPause(_ pause: TimeAmount, _ body: @escaping @Sendable () -> Void) {
        loop.scheduleTask(in: pause) { body() }
    }

    /// The event loop that owns this partition.
    public nonisolated var eventLoop: any EventLoop { loop }
}
