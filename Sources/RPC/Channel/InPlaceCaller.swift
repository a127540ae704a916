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
/// `@unchecked Sendable`: it does not change; `answered` runs on the channel's event loop, as does whoever calls.
public final class InPlaceCaller: @unchecked Sendable {
    public typealias Answered = (_ token: Int, _ reply: InPlaceReply) -> Void

    private let channel: Channel
    private let method: String
    private let options: CallOptions
    let answered: Answered

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
    /// what is being answered.
    public func call(_ token: Int, write: (inout ByteBuffer) -> Void) {
        let core = channel.core
        core.loop.assertInEventLoop()
        let deadline = options.timeout.map { core.loop.now + TimeAmount($0) }
        if core.callInPlace(self, token, method, options, deadline: deadline, write) { return }
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
            reply.message.withUnsafeBytes {
                caller.answered(token, InPlaceReply(message: $0, load: reply.load, error: nil))
            }
        case .failure(let error): caller.failed(token, error)
        }
    }
}

extension InPlaceCaller {
    func failed(_ token: Int, _ error: RPCError) {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        answered(token, InPlaceReply(message: nothing, load: error.load ?? LoadReport(), error: error))
    }
}

/// A RESPONSE that says OK and nothing more, as it came.
struct InPlaceAnswer {
    let load: LoadReport
    /// The message.
    let payload: ByteBuffer

    /// - Returns: nil when there is more to it: an error, metadata.
    init?(_ frame: Frame, _ coding: MessageCoding) throws(ProtocolViolation) {
        guard let load = ResponseTrailer.plainSuccess(frame.payload) else { return nil }
        self.load = load
        var message = frame.payload
        message.moveReaderIndex(forwardBy: ResponseTrailer.byteCount)
        if frame.flags.contains(.compressed) {
            payload = ByteBuffer(bytes: try coding.read(message, flags: frame.flags))
        } else {
            try coding.checkSize(message.readableBytes)
            payload = message
        }
    }

    func give(to caller: InPlaceCaller, _ token: Int) {
        payload.withUnsafeReadableBytes {
            caller.answered(token, InPlaceReply(message: $0, load: load, error: nil))
        }
    }
}
