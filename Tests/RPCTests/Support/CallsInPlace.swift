import NIOCore

@testable import RPC

/// Calls on one channel, so many at a time: the next is made when one is answered.
///
/// `@unchecked Sendable`: what changes is touched on the channel's event loop only.
final class CallsInPlace: @unchecked Sendable {
    private let message: [UInt8]
    private var toMake = 0
    private var unanswered = 0
    private var failure: RPCError?
    private var promise: EventLoopPromise<Void>?
    private var caller: InPlaceCaller?

    init(_ channel: RPC.Channel, method: String, message: [UInt8]) {
        self.message = message
        caller = InPlaceCaller(channel, method: method) { [unowned self] _, reply in answered(reply) }
    }

    /// Makes `count` calls and returns when all are answered; throws the first failure.
    func run(_ count: Int, inFlight: Int) async throws {
        guard let caller else { preconditionFailure("made in init") }
        let promise = caller.eventLoop.makePromise(of: Void.self)
        caller.eventLoop.execute {
            self.promise = promise
            self.toMake = count
            self.unanswered = count
            for _ in 0..<min(inFlight, count) { self.call() }
            caller.flush()
        }
        try await promise.futureResult.get()
    }

    private func call() {
        toMake -= 1
        caller?.call(0) { $0.writeBytes(message) }
    }

    private func answered(_ reply: InPlaceReply) {
        unanswered -= 1
        if let error = reply.error { failure = failure ?? error }
        if toMake > 0 { call() }
        guard unanswered == 0 else { return }
        if let failure { promise?.fail(failure) } else { promise?.succeed() }
    }
}
