/// What a streaming handler writes its messages to.
public struct ResponseWriter: Sendable {
    enum Part: Sendable {
        case metadata(Metadata)
        case message([UInt8], Compression)
    }

    private let send: @Sendable (Part) async throws -> Void

    init(_ send: @escaping @Sendable (Part) async throws -> Void) {
        self.send = send
    }

    /// For tests of handlers, which want the messages; a server makes its own.
    public init(messages: @escaping @Sendable ([UInt8]) async throws -> Void) {
        self.init { if case .message(let message, _) = $0 { try await messages(message) } }
    }

    /// Sends metadata ahead of all messages, once. Throws an ``RPCError`` when it is too late.
    public func start(_ metadata: Metadata) async throws {
        try await send(.metadata(metadata))
    }

    /// Sends one message; returns when the caller's credit let it out. Throws an ``RPCError`` when the call has ended
    /// (cancelled, out of time, connection gone), or when the message is above the caller's limit.
    public func write(_ message: [UInt8], compression: Compression = .automatic) async throws {
        try await send(.message(message, compression))
    }
}
