import Cluster
import Logging
import Messages
import NIOCore
import NIOPosix
import Storage

/// What a service does with the events that other partitions send.
public protocol EventHandler: Sendable {
    /// Every row that `handle` reads or writes for this event.
    func latches(for event: StreamEvent, from source: PartitionId) throws -> [Latch]

    /// Changes rows, may tell others. It does not refuse: a refusal is an event of its own (rule D2). What it throws
    /// means that something stored is broken.
    func handle(_ event: StreamEvent, from source: PartitionId, in evaluation: Evaluation) throws
}

/// Watches what a partition applies, on the partition's event loop, entry by entry.
public protocol AppliedObserver: Sendable {
    /// What it throws means that the entry is broken: the process ends, and does not start again on it (rule C9).
    func applied(_ entry: LogEntry, in partition: Partition) throws

    /// Log entries above this index are still needed by the observer.
    func floor(in partition: PartitionId, appliedIndex: UInt64) -> UInt64
}

/// A partition this node leads: the thin driver around `PrimaryCore`, `LatchTable`, `IdSequencer` and
/// `StreamOutbox`. It lives on one event loop, which owns all its state; evaluation and disk work happen elsewhere.
public actor Partition {
    public struct Settings: Sendable {
        /// Commands that may hold or wait for latches.
        public var maxWaiting = 8192
        /// Applied entries kept in the log beyond what streams and observers need.
        public var keepEntries: UInt64 = 256
        /// Bytes of effects after which an entry takes no further command.
        public var maxEntryBytes = 4 << 20

        public init() {}
    }

    struct Proposal {
        var request: RequestId?
        var answer: [UInt8]
        var effects: Effects
        var events: [Event]
        var highestId: UInt64
        var committed: CheckedContinuation<UInt64, Never>

        /// What it adds to an entry, in bytes; about.
        var size: Int { effects.encodedSize + answer.count + events.reduce(64) { $0 + $1.body.count + 16 } }
    }

    struct InLog {
        var entry: LogEntry
        var waiting: [CheckedContinuation<UInt64, Never>]
    }

    public nonisolated let id: PartitionId
    public nonisolated let node: NodeId
    nonisolated let loop: any EventLoop
    nonisolated let store: any Store
    nonisolated let log: GroupLog
    nonisolated let pool: NIOThreadPool
    nonisolated let clock: any WallClock
    nonisolated let handler: any EventHandler
    nonisolated let observers: [any AppliedObserver]
    nonisolated let logger: Logger
    nonisolated let settings: Settings
    /// Tells the links which destinations have something to hear.
    nonisolated let hasNews: @Sendable (_ source: PartitionId, _ destinations: [PartitionId]) -> Void

    /// The epoch in which this node leads the partition; answers that cover it name it (rule F5).
    public nonisolated let epoch: UInt64

    var core: PrimaryCore
    var meta: PartitionMeta
    var sequencer: IdSequencer
    var outbox: StreamOutbox
    var firstIndex: UInt64
    var isServing = true
    private var isStopped = false

    // Latches.
    private var latches = LatchTable()
    private var nextTicket: LatchTable.Ticket = 0
    private var latchWaiters: [LatchTable.Ticket: CheckedContinuation<Void, Never>] = [:]

    // The log's tail: proposed, appended, not yet applied.
    var proposals: [Proposal] = []
    var turns = IdTurns<Proposal>()
    var isAppending = false
    var inLog: [UInt64: InLog] = [:]
    var submittedApply: UInt64

    var drainWaiters: [CheckedContinuation<Void, Never>] = []

    // Streams from others.
    var arrivals: [Arrival] = []
    var isReceiving = false
    var arrived: [PartitionId: Arrived] = [:]
    var seenWaiters: [UInt64: SeenWaiter] = [:]
    var nextSeenWaiter: UInt64 = 0

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

    init(recovered: Recovery.Result, context: PartitionContext) {
        id = recovered.partition
        node = context.node
        loop = context.loop
        store = context.store
        log = context.log
        pool = context.pool
        clock = context.clock
        handler = context.handler
        observers = context.observers
        logger = context.logger
        settings = context.settings
        hasNews = context.hasNews
        core = recovered.core
        epoch = recovered.core.epoch
        meta = recovered.meta
        sequencer = IdSequencer(partition: recovered.partition, highWater: recovered.meta.highestId)
        outbox = StreamOutbox(
            source: recovered.partition, incarnation: recovered.meta.incarnation,
            appliedIndex: recovered.meta.appliedIndex)
        firstIndex = recovered.entries.first?.index ?? recovered.meta.appliedIndex + 1
        submittedApply = recovered.meta.appliedIndex
    }

    /// What is still in the log may not have reached everybody: the outbox and the observers see it again. Receivers'
    /// cursors and versions make that harmless (rules D1, F1).
    /// - Throws: when an observer cannot read what is stored.
    func replay(_ entries: [LogEntry]) throws {
        for entry in entries { try announce(entry) }
    }

    // MARK: Commands

    /// Carries out a command: remembered answers first, then latches, evaluation, log, commit, apply.
    /// - Returns: the answer, when it is committed and applied (rule B6).
    /// - Throws: what `evaluate` throws, or `ReplicationError`; nothing has changed then.
    public func execute(_ command: Command) async throws -> Outcome {
        assert(Self.callsDoNotSuspend, "a command's task prefers no executor (docs/decisions/0014)")
        guard isServing else { throw ReplicationError.notServing(partition: id) }
        try checkAge(of: command.requestId)
        guard latches.count < settings.maxWaiting else { throw ReplicationError.overloaded(partition: id) }

        let ticket = await hold(command.latches + Self.latches(for: command.requestId))
        defer { release(ticket) }
        guard isServing else { throw ReplicationError.notServing(partition: id) }
        try Task.checkCancellation()

        let ids = try newIds(command.newIds, above: command.above)
        var turn = ids.isEmpty ? nil : turns.draw()
        defer { enter(nil, turn) }
        let evaluated = try await evaluate(command, ids: ids)
        if let remembered = evaluated.remembered { return outcome(of: remembered) }
        // Stopped meanwhile: another life of this partition may be writing to the log by now.
        guard isServing else { throw ReplicationError.notServing(partition: id) }
        // From here on it happens, whoever still waits for the answer.
        let index = await commit(evaluated, of: command, highestId: ids.last?.rawValue ?? 0, turn: turn)
        turn = nil
        return Outcome(
            answer: evaluated.answer, index: index, incarnation: meta.incarnation,
            destinations: Self.destinations(of: evaluated.events), wasRemembered: false)
    }

    /// A task that prefers an executor gives the actor's up at each call from one of its methods to another.
    static var callsDoNotSuspend: Bool { withUnsafeCurrentTask { $0?.unownedTaskExecutor == nil } }

    static func destinations(of events: [Event]) -> [PartitionId] {
        let told = events.map(\.destination).filter { $0 != Event.observersOnly }
        return Set(told.map { PartitionId(UInt16(truncatingIfNeeded: $0)) }).sorted()
    }

    private func outcome(of remembered: RememberedRow) -> Outcome {
        Outcome(
            answer: remembered.answer, index: remembered.index, incarnation: meta.incarnation,
            destinations: remembered.destinations.map { PartitionId(UInt16(truncatingIfNeeded: $0)) },
            wasRemembered: true)
    }

    /// The answer this request id got, if it was carried out before. Services ask before they look at what a command
    /// names: that may have changed since, and the answer stands (rule B3).
    public func remembered(_ request: RequestId) async throws -> Outcome? {
        try checkAge(of: request)
        let key = ReplicationKeys.request(id, request)
        let row = try await read { try $0.get(.requests, key).map { try RememberedRow.decode($0) } }
        return row.map { outcome(of: $0) }
    }

    /// Reads rows off the event loop, all as of one moment.
    public nonisolated func read<Value: Sendable>(
        _ body: @escaping @Sendable (any Reader) throws -> Value
    ) async throws -> Value {
        let store = store
        return try await pool.runIfActive { try body(store.snapshot()) }
    }

    private struct Evaluated: Sendable {
        var answer: [UInt8]
        var effects = Effects()
        var events: [Event] = []
        var remembered: RememberedRow?
    }

    private func evaluate(_ command: Command, ids: [Id]) async throws -> Evaluated {
        let (store, partition, position, nowMs) = (store, id, logPosition, clock.nowMs())
        return try await pool.runIfActive {
            if let request = command.requestId,
                let answer = try store.get(.requests, ReplicationKeys.request(partition, request))
            {
                return Evaluated(answer: [], remembered: try RememberedRow.decode(answer))
            }
            let evaluation = Evaluation(
                rows: Transaction(over: store), partition: partition, log: position, nowMs: nowMs, ids: ids)
            let answer = try command.evaluate(evaluation)
            return Evaluated(answer: answer, effects: evaluation.rows.effects, events: evaluation.events)
        }
    }

    var logPosition: Evaluation.LogPosition {
        Evaluation.LogPosition(incarnation: meta.incarnation, appliedIndex: core.appliedIndex)
    }

    private func commit(
        _ evaluated: Evaluated, of command: Command, highestId: UInt64, turn: IdTurns<Proposal>.Ticket?
    ) async -> UInt64 {
        // A command without a request id that changes nothing needs no entry.
        if command.requestId == nil, evaluated.effects.isEmpty, evaluated.events.isEmpty {
            enter(nil, turn)
            return 0
        }
        return await withCheckedContinuation { continuation in
            enter(
                Proposal(
                    request: command.requestId, answer: evaluated.answer, effects: evaluated.effects,
                    events: evaluated.events, highestId: highestId, committed: continuation), turn)
        }
    }

    private func newIds(_ count: Int, above: UInt64) throws -> [Id] {
        let nowMs = clock.nowMs()
        do {
            return try (0..<count).map { _ in try sequencer.next(nowMs: nowMs, above: above) }
        } catch {
            throw ReplicationError.clockBehind(partition: id)
        }
    }

    /// A request id lives 24 hours with its answer; an older one is refused as such (rule B3).
    private func checkAge(of request: RequestId?) throws {
        guard let request, !request.isPermanent else { return }
        let now = clock.nowMs()
        // In this order: the time comes from outside, and sums of it could overflow.
        guard request.timeMs < now + RequestLifetime.aheadMs else { throw ReplicationError.requestFromFuture }
        guard request.timeMs >= now || now - request.timeMs < RequestLifetime.acceptedMs else {
            throw ReplicationError.requestExpired
        }
    }

    // MARK: Latches

    private static func latches(for request: RequestId?) -> [Latch] {
        request.map { [.write(LatchSpace.request, $0.timeMs, $0.random)] } ?? []
    }

    func hold(_ wanted: [Latch]) async -> LatchTable.Ticket {
        let ticket = nextTicket
        nextTicket += 1
        if latches.acquire(wanted, ticket: ticket) { return ticket }
        await withCheckedContinuation { latchWaiters[ticket] = $0 }
        return ticket
    }

    func release(_ ticket: LatchTable.Ticket) {
        for granted in latches.release(ticket) {
            latchWaiters.removeValue(forKey: granted)?.resume()
        }
    }

    /// Runs on the partition's event loop, in the order of the calls.
    nonisolated func onLoop(_ body: @escaping @Sendable (isolated Partition) -> Void) {
        loop.execute { self.assumeIsolated { body($0) } }
    }

    // MARK: Life

    /// Takes no more commands; returns when what was proposed is applied and nothing more will be written.
    public func stop() async {
        let isFirst = isServing
        isServing = false
        while isBusy { await progress() }
        // Only once: after the first return another life of this partition may have begun.
        guard isFirst else {
            while !isStopped { await progress() }
            return
        }
        var effects = Effects()
        noteFigures(in: &effects)
        await log.apply(effects)
        isStopped = true
        noteProgress()
    }

    private var isBusy: Bool {
        !turns.isEmpty || !proposals.isEmpty || !inLog.isEmpty || isReceiving || !arrivals.isEmpty
    }

    private func progress() async {
        await withCheckedContinuation { drainWaiters.append($0) }
    }

    func noteProgress() {
        let waiting = drainWaiters
        drainWaiters = []
        for waiter in waiting { waiter.resume() }
    }

    public func status() -> PartitionStatus {
        .with {
            $0.partition = UInt32(id.rawValue)
            $0.epoch = core.epoch
            $0.lastIndex = core.lastIndex
            $0.commitIndex = core.commitIndex
            $0.appliedIndex = core.appliedIndex
            $0.primary = true
            $0.serving = isServing
            $0.backlog = UInt64(outbox.backlog + arrivals.count)
            $0.logEntries = core.lastIndex + 1 - firstIndex
        }
    }
}

/// How long a request id is good for (rule B3). Answers are kept a little longer than ids are accepted.
public enum RequestLifetime {
    static let acceptedMs: UInt64 = 24 * 3600 * 1000
    static let keptMs: UInt64 = acceptedMs + 15 * 60 * 1000
    static let aheadMs: UInt64 = 5 * 60 * 1000
}

/// The kinds of latches that replication itself takes; services use numbers below 200.
enum LatchSpace {
    static let request: UInt8 = 255
    static let cursor: UInt8 = 254
}
