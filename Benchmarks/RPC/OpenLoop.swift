import Histogram
import Messages
import NIOCore
import RPC

/// Call k is due k / rate seconds after the start, whatever is answered, and goes to connection k mod connections. Its
/// latency counts from then, so that what waits in the client grows older, too.
enum OpenLoop {
    static let patience = 10.0

    static func run(_ load: Load) async throws -> Figures {
        let channels = try await load.channels()
        let start = NIODeadline.now() + .milliseconds(20)
        let callers = channels.enumerated().map { ScheduledCaller($1, load, number: $0, start: start) }
        let outcomes = try await withThrowingTaskGroup(of: ScheduledCaller.Outcome.self) { group in
            for caller in callers { group.addTask { try await caller.run().get() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var figures = Figures()
        var latencies = newHistogram()
        for outcome in outcomes {
            figures.ops += outcome.ops
            figures.errors += outcome.errors
            figures.ops_per_s += Double(outcome.inTime) / load.seconds
            figures.backlog += Double(outcome.unansweredAtEnd)
            latencies.add(outcome.latencies)
        }
        figures.set(latencies)
        figures.bytes_per_s = figures.ops_per_s * Double(load.bytes)
        // Little's law: so many are on their way at any moment.
        figures.backlog = max(0, figures.backlog - Double(load.rate) * figures.p99_us / 1e6).rounded()
        for channel in channels { await channel.close() }
        return figures
    }
}

/// The calls of one connection.
///
/// `@unchecked Sendable`: what changes is touched on the channel's event loop only.
final class ScheduledCaller: @unchecked Sendable {
    struct Outcome: @unchecked Sendable {  // A histogram of its own, which nobody touches any more.
        var ops = 0
        var inTime = 0
        var errors = 0
        var unansweredAtEnd = 0
        var latencies = newHistogram()
    }

    private let load: Load
    private let payload: [UInt8]
    private let number: Int
    private let start: NIODeadline
    private let end: NIODeadline
    private let total: Int
    private var next = 0
    private var answers = 0
    private var outcome = Outcome()
    private var hasEnded = false
    private var promise: EventLoopPromise<Outcome>?
    private let scratch = Scratch()
    private var caller: InPlaceCaller?

    init(_ channel: RPC.Channel, _ load: Load, number: Int, start: NIODeadline) {
        self.load = load
        self.number = number
        self.start = start
        end = start + .nanoseconds(Int64(load.seconds * 1e9))
        let all = Int(Double(load.rate) * load.seconds)
        total = all / load.connections + (number < all % load.connections ? 1 : 0)
        payload = load.payload
        caller = InPlaceCaller(channel, method: "rookery.Test/Echo") { [unowned self] token, reply in
            answered(token, reply)
        }
    }

    func run() -> EventLoopFuture<Outcome> {
        guard let caller else { preconditionFailure("made in init") }
        let loop = caller.eventLoop
        let promise = loop.makePromise(of: Outcome.self)
        loop.execute {
            self.promise = promise
            self.sendDue()
        }
        loop.scheduleTask(deadline: end) { self.outcome.unansweredAtEnd = self.total - self.answers }
        loop.scheduleTask(deadline: end + .nanoseconds(Int64(OpenLoop.patience * 1e9))) { self.giveUp() }
        return promise.futureResult
    }

    /// When this connection's call is due, in nanoseconds after the start.
    private func due(_ index: Int) -> NIODeadline {
        let call = Int64(number + index * load.connections)
        return start + .nanoseconds(call * 1_000_000_000 / Int64(load.rate))
    }

    private func sendDue() {
        guard next < total, !hasEnded else { return }
        let now = NIODeadline.now()
        while next < total, next - answers < load.inFlight, due(next) <= now {
            send(next)
            next += 1
        }
        caller?.flush()
        guard next < total else { return }
        // A full connection is looked at again when an answer comes.
        guard next - answers < load.inFlight else { return }
        caller?.eventLoop.scheduleTask(deadline: due(next)) { self.sendDue() }
    }

    private func send(_ index: Int) {
        caller?.call(index) { output in
            payload.withUnsafeBytes { payload in
                _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: EchoView.packedSize(payload)) {
                    EchoView.pack(payload, into: $0)
                }
            }
        }
    }

    private func answered(_ index: Int, _ reply: InPlaceReply) {
        guard !hasEnded else { return }
        let wasFull = next - answers >= load.inFlight
        answers += 1
        let now = NIODeadline.now()
        if isEcho(reply) {
            outcome.ops += 1
            if now <= end { outcome.inTime += 1 }
            outcome.latencies.record(UInt64(max(0, (now - due(index)).nanoseconds)))
        } else {
            outcome.errors += 1
        }
        if wasFull { caller?.eventLoop.execute { self.sendDue() } }
        if answers == total { finish() }
    }

    private func isEcho(_ reply: InPlaceReply) -> Bool {
        guard reply.error == nil else { return false }
        return (try? EchoView.read(reply.message, in: scratch) { $0.payload.count == payload.count }) ?? false
    }

    /// What has no answer by now has failed, after all that time.
    private func giveUp() {
        guard !hasEnded else { return }
        for _ in answers..<max(answers, total) {
            outcome.errors += 1
            outcome.latencies.record(UInt64(OpenLoop.patience * 1e9))
        }
        finish()
    }

    private func finish() {
        guard !hasEnded else { return }
        hasEnded = true
        promise?.succeed(outcome)
    }
}
