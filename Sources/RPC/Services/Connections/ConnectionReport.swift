/// One connection of a server, at a moment.
public struct ConnectionReport: Hashable, Sendable {
    /// How long a PING of the server's took to come back, and how long ago that was.
    public struct RoundTrip: Hashable, Sendable {
        public var us: UInt64
        public var ageMs: UInt64
    }

    /// Never given twice while the server lives.
    public var id: UInt64
    /// The other end's.
    public var address: String
    /// Nil until the handshake is done.
    public var role: Role?
    /// A peer's name; else empty.
    public var nodeId: String
    public var tls: Bool
    public var ageMs: UInt64
    /// Since the last call began; 0 while one runs.
    public var idleMs: UInt64
    public var openStreams: UInt32
    public var traffic: Traffic
    /// What the server may still send in MESSAGE frames, in bytes; one message may take it below zero.
    public var creditOut: Int64
    /// What the other side may.
    public var creditIn: Int64
    /// Nil: no PING was answered yet.
    public var roundTrip: RoundTrip?
}

/// Some of a server's connections, by id, ascending.
public struct ConnectionPage: Hashable, Sendable {
    public var connections: [ConnectionReport]
    /// There are some behind the last one.
    public var more: Bool
}

/// One call that is open on a connection, at a moment.
public struct StreamReport: Hashable, Sendable {
    public enum State: UInt32, Sendable, CaseIterable {
        /// The caller may say more.
        case open = 1
        /// The caller has said all; the handler runs.
        case halfClosed = 2
        /// The handler has ended; its messages wait for credit.
        case draining = 3
        /// Cancelled, or out of time; the handler has not ended yet.
        case abandoned = 4

        public var name: String {
            switch self {
            case .open: "OPEN"
            case .halfClosed: "HALF_CLOSED"
            case .draining: "DRAINING"
            case .abandoned: "ABANDONED"
            }
        }
    }

    public var id: UInt32
    public var method: String
    public var ageMs: UInt64
    /// Nil: one that this version does not know.
    public var state: State?
    /// Of this stream alone.
    public var creditOut: Int64
    /// 0 where the caller sends no messages.
    public var creditIn: Int64
    /// The server's messages that wait for credit.
    public var messagesWaiting: UInt32
}

/// A connection and some of its streams, by id, ascending.
public struct StreamPage: Hashable, Sendable {
    public var connection: ConnectionReport
    public var streams: [StreamReport]
    /// There are some behind the last one.
    public var more: Bool
}

/// A server since it was made, over all connections that are and were.
public struct ServerTotals: Hashable, Sendable {
    public var ageMs: UInt64
    /// Open now.
    public var connections: UInt64
    public var accepted: UInt64
    /// Above the limit, or while shutting down.
    public var refused: UInt64
    public var openStreams: UInt64
    public var load: LoadReport
    public var traffic: Traffic
}
