/// As whom a channel connects.
public enum ChannelRole: Sendable {
    case client
    /// A node of the cluster; proven with the cluster's secret, and the server must prove that it knows it, too.
    case peer(nodeId: String, secret: [UInt8])
}

/// What a channel is told at its start.
public struct ChannelConfiguration: Sendable {
    public var clusterId: String
    public var role: ChannelRole
    /// The node that should be there, by its certificate; nil when any node of the cluster will do. Without TLS
    /// nobody could show it, and it is not looked at.
    public var nodeId: String?
    /// What this side accepts.
    public var limits: Limits
    /// For connecting and the handshake together.
    public var connectTimeout: Duration
    public var backoff: Backoff
    /// Messages from this many bytes on are compressed when the server takes it; nil never.
    public var compressionThreshold: Int?
    public var keepalive: KeepaliveConfiguration
    /// A connection is let go when no call was made for so long; the next call makes a new one. Nil: it is kept.
    public var idleTimeout: Duration?
    /// Calls that may wait for a connection, or for one of the server's streams; more are refused.
    public var maxWaitingCalls: Int
    public var chance: Chance

    /// `limits` are by default those of the role.
    public init(
        clusterId: String, role: ChannelRole = .client, nodeId: String? = nil, limits: Limits? = nil,
        connectTimeout: Duration = .seconds(3), backoff: Backoff = Backoff(), compressionThreshold: Int? = 1024,
        keepalive: KeepaliveConfiguration = KeepaliveConfiguration(), idleTimeout: Duration? = .seconds(1800),
        maxWaitingCalls: Int = 65_536, chance: Chance = .system
    ) {
        self.clusterId = clusterId
        self.role = role
        self.nodeId = nodeId
        self.connectTimeout = connectTimeout
        self.backoff = backoff
        self.compressionThreshold = compressionThreshold
        self.keepalive = keepalive
        self.idleTimeout = idleTimeout
        self.maxWaitingCalls = maxWaitingCalls
        self.chance = chance
        if let limits {
            self.limits = limits
        } else if case .peer = role {
            self.limits = .peer
        } else {
            self.limits = .client
        }
    }

    func connection(
        target: String, keepalive: KeepaliveConfiguration
    ) -> ClientConnection.Configuration {
        // It would be due again and again while a call runs.
        precondition(idleTimeout.map { $0 > .zero } ?? true, "an idle connection is kept for some time, or for ever")
        let identity: ClientHandshake.Identity =
            switch role {
            case .client: .client
            case .peer(let nodeId, let secret): .peer(nodeId: nodeId, secret: secret)
            }
        return ClientConnection.Configuration(
            target: target, nodeId: nodeId, clusterId: clusterId, identity: identity, limits: limits,
            features: compressionThreshold == nil ? [] : .lz4, connectTimeout: .init(connectTimeout),
            compressFrom: compressionThreshold, keepalive: keepalive, idleTimeout: idleTimeout.map { .init($0) },
            maxWaitingCalls: maxWaitingCalls)
    }
}
