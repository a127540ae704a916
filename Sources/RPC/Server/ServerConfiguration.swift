/// What a server is told at its start.
public struct ServerConfiguration: Sendable {
    public var clusterId: String
    public var nodeId: String
    /// Shared by the cluster's nodes; empty: no peers are taken.
    public var secret: [UInt8]
    public var clientLimits: Limits
    public var peerLimits: Limits
    /// Handlers at once over all connections; what is above is refused with RESOURCE_EXHAUSTED.
    public var maxInFlight: Int
    public var maxConnections: Int
    public var handshakeTimeout: Duration
    /// How long a frame may take from its first byte to its last.
    public var frameTimeout: Duration
    /// A connection whose other side takes nothing of what waits for it for so long is closed.
    public var stallTimeout: Duration
    /// What one connection's answers may take while they wait to be sent; above it they become errors (RESOURCE_EXHAUSTED,
    /// retryable).
    public var maxWaitingBytes: Int
    /// What all connections together may hold of what was not read, worked on, or taken. Above it a connection of a client
    /// that holds more than its share is closed (RESOURCE_EXHAUSTED).
    public var maxMemoryBytes: Int
    /// CANCEL frames a second above which a connection is closed.
    public var maxCancelsPerSecond: Int
    /// Messages from this many bytes on are compressed for those who take it; nil never.
    public var compressionThreshold: Int?
    public var keepalive: KeepaliveConfiguration
    /// A client that sends PINGs more often, and makes no calls between them, is turned away.
    public var minPingInterval: Duration
    /// A connection is told to go away when it is so old, ±10 %; nil never.
    public var maxConnectionAge: Duration?
    /// How long the calls of an old connection may take to finish; nil: as long as they take.
    public var maxConnectionAgeGrace: Duration?
    /// A connection is told to go away when it made no call for so long; nil never.
    public var maxConnectionIdle: Duration?
    public var chance: Chance

    public init(
        clusterId: String, nodeId: String, secret: [UInt8] = [], limits: Limits = .client,
        peerLimits: Limits = .peer, maxInFlight: Int = 16_384, maxConnections: Int = 10_000,
        handshakeTimeout: Duration = .seconds(10), frameTimeout: Duration = .seconds(30),
        stallTimeout: Duration = .seconds(30),
        maxWaitingBytes: Int = 67_108_864, maxMemoryBytes: Int = 1_073_741_824, maxCancelsPerSecond: Int = 5_000,
        compressionThreshold: Int? = 1024,
        keepalive: KeepaliveConfiguration = KeepaliveConfiguration(interval: .seconds(60), withoutCalls: true),
        minPingInterval: Duration = .seconds(5), maxConnectionAge: Duration? = nil,
        maxConnectionAgeGrace: Duration? = nil, maxConnectionIdle: Duration? = nil, chance: Chance = .system
    ) {
        self.clusterId = clusterId
        self.nodeId = nodeId
        self.secret = secret
        self.clientLimits = limits
        self.peerLimits = peerLimits
        self.maxInFlight = maxInFlight
        self.maxConnections = maxConnections
        self.handshakeTimeout = handshakeTimeout
        self.frameTimeout = frameTimeout
        self.stallTimeout = stallTimeout
        self.maxWaitingBytes = maxWaitingBytes
        self.maxMemoryBytes = maxMemoryBytes
        self.maxCancelsPerSecond = maxCancelsPerSecond
        self.compressionThreshold = compressionThreshold
        self.keepalive = keepalive
        self.minPingInterval = minPingInterval
        self.maxConnectionAge = maxConnectionAge
        self.maxConnectionAgeGrace = maxConnectionAgeGrace
        self.maxConnectionIdle = maxConnectionIdle
        self.chance = chance
    }

    func connection(_ methods: MethodTable) -> ServerConnection.Configuration {
        // It would be due again and again while a call runs.
        precondition(maxConnectionIdle.map { $0 > .zero } ?? true, "an idle connection is kept a while, or for ever")
        return ServerConnection.Configuration(
            handshake: ServerHandshake.Configuration(
                clusterId: clusterId, nodeId: nodeId, secret: secret, clientLimits: clientLimits,
                peerLimits: peerLimits, features: compressionThreshold == nil ? [] : .lz4, methods: methods.entries),
            handshakeTimeout: .init(handshakeTimeout), frameTimeout: .init(frameTimeout),
            stallTimeout: .init(stallTimeout), compressFrom: compressionThreshold,
            maxCancelsPerSecond: maxCancelsPerSecond, keepalive: keepalive, minPingInterval: .init(minPingInterval),
            age: ConnectionAge.Configuration(
                maxAge: maxConnectionAge.map { .init($0) }, maxAgeGrace: maxConnectionAgeGrace.map { .init($0) },
                maxIdle: maxConnectionIdle.map { .init($0) }),
            maxHeldBytes: maxWaitingBytes)
    }
}
