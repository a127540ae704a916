/// Bounds that an operator may set. Each has a default and a range; docs and error messages come from `all`.
public struct Limits: Hashable, Sendable {
    /// The largest message, after decompression.
    public var maxMessageBytes = 256 << 10
    /// Requests that a node works on at once; more are refused with RESOURCE_EXHAUSTED.
    public var maxInFlight = 4096
    /// Connections that a node holds.
    public var maxConnections = 10_000
    /// Open calls on one connection.
    public var maxStreams = 1024
    /// How long a session lives (rule G1).
    public var sessionDays = 30
    /// Applied log entries that a partition keeps beyond what streams still need (rule D4).
    public var logKeepEntries = 256
    /// Wrong passwords for one account, or from one address, within a minute (rule G1).
    public var loginAttemptsPerMinute = 10
    /// Password hashes computed at once (rule G1); each takes 128 MiB.
    public var passwordHashes = 2
    /// The deadline of a call that brings none.
    public var requestTimeoutMs = 5000

    public init() {}

    /// One of the limits, as it stands in the file.
    public struct Definition: Sendable {
        public let key: String
        public let range: ClosedRange<Int>
        let field: any WritableKeyPath<Limits, Int> & Sendable
    }

    public static let all: [Definition] = [
        Definition(key: "max_message_bytes", range: 1 << 16...1 << 26, field: \.maxMessageBytes),
        Definition(key: "max_in_flight", range: 16...1_000_000, field: \.maxInFlight),
        Definition(key: "max_connections", range: 1...1_000_000, field: \.maxConnections),
        Definition(key: "max_streams", range: 1...65_536, field: \.maxStreams),
        Definition(key: "session_days", range: 1...365, field: \.sessionDays),
        Definition(key: "log_keep_entries", range: 16...1 << 20, field: \.logKeepEntries),
        Definition(key: "login_attempts_per_minute", range: 1...10_000, field: \.loginAttemptsPerMinute),
        Definition(key: "password_hashes", range: 1...64, field: \.passwordHashes),
        Definition(key: "request_timeout_ms", range: 10...600_000, field: \.requestTimeoutMs),
    ]
}
