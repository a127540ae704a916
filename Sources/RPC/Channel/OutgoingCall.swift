import DequeModule
import NIOCore

/// Who gets what a call brings. Called on the channel's loop; must not block.
protocol CallSink: Sendable {
    /// Initial metadata; at most once, ahead of all messages.
    func started(_ metadata: Metadata)
    func received(_ message: [UInt8], cost: Int)
    /// The last call.
    func completed(_ result: Result<Reply, RPCError>)
    /// Drops messages that nobody will read; returns what they cost.
    func discard() -> Int
}

/// One call on its way.
///
/// `@unchecked Sendable`: the request and the sink do not change; the rest is touched on the channel's loop only.
final class OutgoingCall: @unchecked Sendable {
    typealias Write = (message: OutgoingMessages.Message, continuation: WaitingWriters.Continuation)

    let request: ClientConnection.Request
    let sink: any CallSink
    /// The connection and the stream that carry it; kept after the end, for the credit of what is still unread.
    var driver: ClientDriver?
    var stream: UInt32 = 0
    /// What the caller said before the request left.
    var early = Deque<Write>()
    /// The caller says no more.
    var isEnding = false
    /// How often it was handed from one connection to the next.
    var moves = 0
    private(set) var isCompleted = false

    init(request: ClientConnection.Request, sink: any CallSink) {
        self.request = request
        self.sink = sink
    }

    func complete(_ result: Result<Reply, RPCError>) {
        guard !isCompleted else { return }
        isCompleted = true
        for write in early { write.continuation.resume(throwing: RPCError.saidAll) }
        early = []
        sink.completed(result)
    }
}

/// Resumes the task that waits for a unary call.
struct UnarySink: CallSink {
    #if DEBUG
        typealias Continuation = CheckedContinuation<Reply, any Error>
    #else
        // Checking costs an allocation a call.
        typealias Continuation = UnsafeContinuation<Reply, any Error>
    #endif

    let continuation: Continuation

    func started(_ metadata: Metadata) {}  // comes with the reply, too

    func received(_ message: [UInt8], cost: Int) {}

    func discard() -> Int { 0 }

    func completed(_ result: Result<Reply, RPCError>) {
        continuation.resume(with: result.mapError { $0 })
    }

    static func wait(_ body: (Continuation) -> Void) async throws -> Reply {
        #if DEBUG
            try await withCheckedThrowingContinuation(body)
        #else
            try await withUnsafeThrowingContinuation(body)
        #endif
    }
}
