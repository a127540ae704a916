import NIOCore

/// What a connection proved to be.
public enum Role: UInt8, Sendable {
    case client = 1
    /// Another node of the cluster, which has proven to know the cluster's secret (rule G2).
    case peer = 2
}

/// The other end of a connection.
public struct Peer: Hashable, Sendable {
    public var role: Role
    /// A proven peer's name; empty for a client.
    public var nodeId: String
    /// For logs, for example `127.0.0.1:53124`.
    public var remoteAddress: String
    /// It is on this machine.
    public var isLocal: Bool

    public init(role: Role = .client, nodeId: String = "", remoteAddress: String = "", isLocal: Bool = false) {
        self.role = role
        self.nodeId = nodeId
        self.remoteAddress = remoteAddress
        self.isLocal = isLocal
    }
}

/// A request, as its handler sees it.
public struct Call: Sendable {
    public var method: String
    /// The caller's session token; empty when there is none. Not checked here.
    public var session: [UInt8]
    public var key: IdempotencyKey
    /// The partition that the caller thinks this concerns.
    public var partition: UInt16?
    /// The caller's revision of that partition's row.
    public var revision: UInt64
    public var metadata: Metadata
    /// When the answer is no longer wanted; the handler's task is cancelled then.
    public var deadline: NIODeadline?
    public var peer: Peer
    /// Empty for a method that takes many messages.
    public var message: [UInt8]
    /// The message came as an LZ4 block.
    public var isCompressed: Bool

    public init(
        method: String, session: [UInt8] = [], key: IdempotencyKey = .none, partition: UInt16? = nil,
        revision: UInt64 = 0, metadata: Metadata = Metadata(), deadline: NIODeadline? = nil, peer: Peer = Peer(),
        message: [UInt8] = [], isCompressed: Bool = false
    ) {
        self.method = method
        self.session = session
        self.key = key
        self.partition = partition
        self.revision = revision
        self.metadata = metadata
        self.deadline = deadline
        self.peer = peer
        self.message = message
        self.isCompressed = isCompressed
    }
}

/// What a handler with one answer returns.
public struct Answer: Sendable {
    public var message: [UInt8]
    /// Sent ahead of the message.
    public var initialMetadata: Metadata
    /// Sent with the status.
    public var metadata: Metadata
    public var compression: Compression

    public init(
        _ message: [UInt8] = [], initialMetadata: Metadata = Metadata(), metadata: Metadata = Metadata(),
        compression: Compression = .automatic
    ) {
        self.message = message
        self.initialMetadata = initialMetadata
        self.metadata = metadata
        self.compression = compression
    }

    public init(message: [UInt8], metadata: Metadata = Metadata()) {
        self.init(message, metadata: metadata)
    }
}

/// What a caller gets back from a call that succeeded.
public struct Reply: Sendable {
    /// Empty when the method answers with many messages.
    public var message: [UInt8]
    public var initialMetadata: Metadata
    /// What came with the status.
    public var metadata: Metadata
    public var load: LoadReport
    /// The message came as an LZ4 block.
    public var isCompressed: Bool

    public init(
        message: [UInt8], initialMetadata: Metadata = Metadata(), metadata: Metadata = Metadata(),
        load: LoadReport = LoadReport(), isCompressed: Bool = false
    ) {
        self.message = message
        self.initialMetadata = initialMetadata
        self.metadata = metadata
        self.load = load
        self.isCompressed = isCompressed
    }
}

/// What a caller may say about one call.
public struct CallOptions: Sendable {
    /// How long the answer is wanted; nil waits for as long as the connection lives.
    public var timeout: Duration?
    /// At most 65,535 bytes.
    public var session: [UInt8]
    public var key: IdempotencyKey
    /// Any number but 65,535, which is the wire's "none".
    public var partition: UInt16?
    public var revision: UInt64
    public var metadata: Metadata
    /// Of the messages that the caller sends.
    public var compression: Compression
    /// Waits, within `timeout`, for a connection that cannot be had now, instead of failing at once.
    public var waitsForReady: Bool

    public init(
        timeout: Duration? = nil, session: [UInt8] = [], key: IdempotencyKey = .none, partition: UInt16? = nil,
        revision: UInt64 = 0, metadata: Metadata = Metadata(), compression: Compression = .automatic,
        waitsForReady: Bool = false
    ) {
        self.timeout = timeout
        self.session = session
        self.key = key
        self.partition = partition
        self.revision = revision
        self.metadata = metadata
        self.compression = compression
        self.waitsForReady = waitsForReady
    }
}
