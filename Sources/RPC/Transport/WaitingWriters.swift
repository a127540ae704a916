import DequeModule

/// The tasks that wait for their messages to be let out, by stream, in order.
struct WaitingWriters {
    typealias Continuation = UnsafeContinuation<Void, any Error>

    private var waiting: [UInt32: Deque<Continuation>] = [:]

    mutating func append(_ continuation: Continuation, on stream: UInt32) {
        waiting[stream, default: []].append(continuation)
    }

    /// The oldest one's message went out.
    mutating func written(_ stream: UInt32) {
        waiting[stream]?.popFirst()?.resume()
    }

    mutating func fail(_ stream: UInt32, _ error: RPCError) {
        guard let continuations = waiting.removeValue(forKey: stream) else { return }
        for continuation in continuations { continuation.resume(throwing: error) }
    }
}
