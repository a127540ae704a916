/// What a streaming handler writes its messages to.
public struct ResponseWriter: Sendable {
    private let send: @Sendable ([UInt8]) async throws -> Void

    /// For tests of handlers; a server makes its own.
    public init(_ send: @escaping @Sendable ([UInt8]) async throws -> Void) {
        self.send = send
    }

    /// Sends one message; returns when the caller's credit let it out. Throws an ``RPCError`` when the call has ended
    /// (cancelled, out of time, connection gone), or when the message is above the caller's limit.
    public func write(_ message: [UInt8]) async throws {
        try await send(message)
    }
}
