import NIOCore

/// An answer as it lies in the connection's buffer. Nothing is copied, so nothing of it may be kept.
public struct InPlaceReply {
    /// Valid until the callback returns; empty when the call failed.
    public let message: UnsafeRawBufferPointer
    public let load: LoadReport
    /// nil: the call succeeded.
    public let error: RPCError?
}

/// Calls one unary method from its channel's own event loop, with no task, no continuation and no copy a call: for load
/// generators, proxies, and whoever else lives on that loop. Everywhere else ``Channel/unary(_:_:options:)`` is better.
///
/// `@unchecked Sendable`: `prepared` is touched on the channel's event loop only, where `answered` runs and calls are made;
/// what `answered` captures must be used there alone, too, and may be let go of anywhere.
public final class InPlaceCaller: @unchecked Sendable {
    public typealias Answered = (_ token: Int, _ reply: InPlaceReply) -> Void

    private let channel: Channel
    let method: String
    let options: CallOptions
    private let answered: Answered
    /// What one connection makes of the method and the options once.
    struct Prepared {
        let driver: UInt64
        /// Of this caller, in the driver's list.
        let number: Int
        let head: [UInt8]
    }

    var prepared: Prepared?

    /// - Parameter answered: is told of each call's end, once, by the token it was made with.
    public init(
        _ channel: Channel, method: String, options: CallOptions = CallOptions(), answered: @escaping Answered
    ) {
        self.channel = channel
        self.method = method
        self.options = options
        self.answered = answered
    }

    /// Where calls are made and answered.
    public var eventLoop: any EventLoop { channel.core.loop }

    /// Makes a call, whose message `write` appends. On the event loop. It leaves with the next `flush`, or at the end of
    /// what is being answered. `write` makes no call itself, and may be asked twice for the same message.
    public func call(_ token: Int, write: (inout ByteBuffer) -> Void) {
        let core = channel.core
        core.loop.assertInEventLoop()
        let deadline = options.timeout.map { core.loop.now + TimeAmount($0) }
        if core.callInPlace(self, token, deadline: deadline, write) { return }
        // There is no open connection, or too much on it, or it must be refused: the long way.
        var message = ByteBuffer()
        write(&message)
        let request = ClientConnection.Request(
            method: method, kind: .unary, options: options, message: Array(buffer: message), deadline: deadline)
        core.post(.submit(OutgoingCall(request: request, sink: InPlaceSink(caller: self, token: token))))
    }

    /// Lets what was called leave. On the event loop.
    public func flush() { channel.core.settle() }
}

/// The end of a call that went the long way.
private struct InPlaceSink: CallSink {
    let caller: InPlaceCaller
    let token: Int

    func started(_ metadata: Metadata) {}

    func received(_ message: [UInt8], cost: Int) {}

    func discard() -> Int { 0 }

    func completed(_ result: Result<Reply, RPCError>) {
        switch result {
        case .success(let reply):
            caller.give(
                InPlaceResult(
                    caller: 0, token: token, load: reply.load, payload: ByteBuffer(bytes: reply.message), error: nil))
        case .failure(let error):
            let load = error.load ?? LoadReport()
            caller.give(InPlaceResult(caller: 0, token: token, load: load, payload: ByteBuffer(), error: error))
        }
    }
}

extension InPlaceCaller {
    func give(_ result: InPlaceResult) {
        result.payload.withUnsafeReadableBytes {
            answered(result.token, InPlaceReply(message: $0, load: result.load, error: result.error))
        }
    }
}

/// Those who have called in place on one connection, by a small number each. They are held while they wait for answers.
struct InPlaceCallers {
    private var entries: [(caller: InPlaceCaller?, waiting: Int)] = []

    /// - Returns: its number.
    mutating func add(_ caller: InPlaceCaller) -> Int {
        entries.append((nil, 0))
        return entries.count - 1
    }

    mutating func called(_ caller: InPlaceCaller, _ number: Int) {
        if entries[number].waiting == 0 { entries[number].caller = caller }
        entries[number].waiting += 1
    }

    mutating func answered(_ number: Int) -> InPlaceCaller? {
        let caller = entries[number].caller
        entries[number].waiting -= 1
        if entries[number].waiting == 0 { entries[number].caller = nil }
        return caller
    }
}
