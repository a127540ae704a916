import Histogram
import Messages
import NIOCore
import RPC

/// So many calls are on their way over each connection; the next is made when one is answered. Each connection's calls
/// are made and measured on its event loop.
enum ClosedLoop {
    static func run(_ load: Load) async throws -> Figures {
        let channels = try await load.channels()
        let end = NIODeadline.now() + .nanoseconds(Int64(load.seconds * 1e9))
        let callers = channels.map { EchoCaller($0, load, end: end) }
        let outcomes = try await withThrowingTaskGroup(of: EchoCaller.Outcome.self) { group in
            for caller in callers { group.addTask { try await caller.run().get() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var figures = Figures()
        var latencies = newHistogram()
        for outcome in outcomes {
            figures.ops += outcome.ops
            figures.errors += outcome.errors
            latencies.add(outcome.latencies)
        }
        figures.ops_per_s = Double(figures.ops) / load.seconds
        figures.bytes_per_s = figures.ops_per_s * Double(load.bytes)
        figures.set(latencies)
        for channel in channels { await channel.close() }
        return figures
    }
}

/// The calls of one connection.
///
/// `@unchecked Sendable`: what changes is touched on the channel's event loop only.
final class EchoCaller: @unchecked Sendable {
    struct Outcome: @unchecked Sendable {  // A histogram of its own, which nobody touches any more.
        var ops = 0
        var errors = 0
        var latencies = newHistogram()
    }

    private let load: Load
    private let payload: [UInt8]
    private let end: NIODeadline
    private var outcome = Outcome()
    private var started: [NIODeadline]
    private var running = 0
    private var promise: EventLoopPromise<Outcome>?
    private let scratch = Scratch()
    private var caller: InPlaceCaller?

    init(_ channel: RPC.Channel, _ load: Load, end: NIODeadline) {
        self.load = load
        self.end = end
        payload = load.payload
        started = [NIODeadline](repeating: .uptimeNanoseconds(0), count: load.inFlight)
        caller = InPlaceCaller(channel, method: "rookery.Test/Echo") { [unowned self] token, reply in
            answered(token, reply)
        }
    }

    func run() -> EventLoopFuture<Outcome> {
        guard let caller else { preconditionFailure("made in init") }
        let promise = caller.eventLoop.makePromise(of: Outcome.self)
        caller.eventLoop.execute {
            self.promise = promise
            self.running = self.load.inFlight
            for token in 0..<self.load.inFlight { self.call(token, now: .now()) }
            caller.flush()
        }
        return promise.futureResult
    }

    private func call(_ token: Int, now: NIODeadline) {
        started[token] = now
        caller?.call(token) { output in
            payload.withUnsafeBytes { payload in
                _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: EchoView.packedSize(payload)) {
                    EchoView.pack(payload, into: $0)
                }
            }
        }
    }

    private func answered(_ token: Int, _ reply: InPlaceReply) {
        let now = NIODeadline.now()
        if isEcho(reply) {
            outcome.ops += 1
            outcome.latencies.record(UInt64((now - started[token]).nanoseconds))
        } else {
            outcome.errors += 1
        }
        guard now < end, outcome.errors < 1000 else { return ended() }
        call(token, now: now)
    }

    private func isEcho(_ reply: InPlaceReply) -> Bool {
        guard reply.error == nil else { return false }
        return (try? EchoView.read(reply.message, in: scratch) { $0.payload.count == payload.count }) ?? false
    }

    private func ended() {
        running -= 1
        if running == 0 { promise?.succeed(outcome) }
    }
}
