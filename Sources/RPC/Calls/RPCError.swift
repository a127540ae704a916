/// Whether the method's handler was run, as far as the thrower knows.
public enum Ran: UInt8, Sendable {
    /// The request left, its outcome is not known.
    case unknown = 0
    /// The handler was not started: repeating the call cannot do anything twice.
    case no = 1
    /// The handler ran and gave this error.
    case yes = 2
}

/// A failed call: the one error that callers see and that handlers throw to choose a status.
///
/// It says what to do next: `ran` whether it happened, `retryable` whether the same call may succeed later.
public struct RPCError: Error, Hashable, Sendable, CustomStringConvertible {
    public var code: StatusCode
    /// One sentence for a person.
    public var message: String
    public var ran: Ran
    /// The same call, unchanged, may succeed if it is made again.
    public var retryable: Bool
    /// What the server asks to wait before the next try, in milliseconds; 0 says nothing.
    public var retryAfterMs: UInt32
    /// The application's own message, at most 48 KiB.
    public var details: [UInt8]
    /// What the server sent along.
    public var metadata: Metadata
    /// The server's load when it answered; nil when no server did.
    public var load: LoadReport?

    public init(
        _ code: StatusCode, _ message: String, ran: Ran = .yes, retryable: Bool = false, retryAfterMs: UInt32 = 0,
        details: [UInt8] = [], metadata: Metadata = Metadata(), load: LoadReport? = nil
    ) {
        self.code = code
        self.message = message
        self.ran = ran
        self.retryable = retryable
        self.retryAfterMs = retryAfterMs
        self.details = details
        self.metadata = metadata
        self.load = load
    }

    public var description: String { "\(code.name): \(message)" }
}
