import NIOCore

@testable import RPC

/// Both sides of a connection of one small cluster, whose handshake is done. Limits are so small that short inputs
/// reach them. A connection is a value, so that each input begins with a copy.
enum Nest {
    static let clusterId = "nest"
    static let secret = Array("the cluster's secret".utf8)
    static let nonce = [UInt8](repeating: 7, count: 16)
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    /// Of whoever is under test.
    static let ours = Limits(
        maxFrameBytes: 1024, maxMessageBytes: 512, maxConcurrentStreams: 4, streamCreditBytes: 120,
        connectionCreditBytes: 300)
    /// Of the other side, which is the play.
    static let theirs = Limits(
        maxFrameBytes: 240, maxMessageBytes: 200, maxConcurrentStreams: 3, streamCreditBytes: 90,
        connectionCreditBytes: 190)

    /// One of each kind, numbered by it, and one that is answered in place.
    static let methods =
        MethodKind.allCases.map { MethodEntry(number: UInt16($0.rawValue) + 1, name: "\($0)", kind: $0) } + [
            MethodEntry(number: 5, name: "inPlace", kind: .unary, isInPlace: true)
        ]

    static let serverConfiguration = ServerConnection.Configuration(
        handshake: ServerHandshake.Configuration(
            clusterId: clusterId, nodeId: "n1", secret: secret, clientLimits: ours, peerLimits: ours, features: .lz4,
            methods: methods),
        handshakeTimeout: .seconds(10), frameTimeout: .seconds(30), stallTimeout: .seconds(30), compressFrom: 16,
        maxCancelsPerSecond: 5, keepalive: KeepaliveConfiguration(interval: .seconds(60), withoutCalls: true),
        minPingInterval: .seconds(5),
        age: ConnectionAge.Configuration(maxAge: .seconds(600), maxAgeGrace: .seconds(60), maxIdle: .seconds(300)))

    static func clientConfiguration(_ identity: ClientHandshake.Identity = .client) -> ClientConnection.Configuration {
        ClientConnection.Configuration(
            target: "n1:1", nodeId: nil, clusterId: clusterId, identity: identity, limits: ours, features: .lz4,
            connectTimeout: .seconds(3), compressFrom: 16,
            keepalive: KeepaliveConfiguration(interval: .seconds(20)), idleTimeout: .seconds(300), maxWaitingCalls: 6)
    }

    // SAFETY: never changed; each check works on a copy, and nothing of it is shared between threads but its storage.
    nonisolated(unsafe) static let server = openServer(.lz4)
    nonisolated(unsafe) static let plainServer = openServer([])
    nonisolated(unsafe) static let client = openClient(.lz4)
    nonisolated(unsafe) static let plainClient = openClient([])

    static func hello(_ features: Features) -> Hello {
        Hello(
            clusterId: clusterId, role: Role.client.rawValue, nonce: nonce, nodeId: "", limits: theirs,
            features: features)
    }

    static func welcome(_ features: Features) -> Welcome {
        Welcome(
            clusterId: clusterId, nodeId: "n1", nonce: nonce, proof: [], limits: theirs, features: features,
            methods: methods)
    }

    private static func openServer(_ features: Features) -> ServerConnection {
        var connection = ServerConnection(configuration: serverConfiguration, nonce: nonce, now: start)
        var (bytes, actions) = (ByteBuffer(bytes: Preface.bytes), Actions<ServerConnection.Command>())
        FrameEncoder.write(.hello, payload: hello(features).packed(), into: &bytes)
        connection.received(bytes, now: start, into: &actions)
        precondition(connection.phase == .open, "a server's handshake is done")
        return connection
    }

    private static func openClient(_ features: Features) -> ClientConnection {
        var connection = ClientConnection(configuration: clientConfiguration(), nonce: nonce, now: start)
        var (bytes, actions) = (ByteBuffer(), Actions<ClientConnection.Command>())
        connection.connecting(now: start)
        connection.connected(into: &actions)
        FrameEncoder.write(.welcome, payload: welcome(features).packed(), into: &bytes)
        connection.received(bytes, now: start, into: &actions)
        precondition(connection.phase == .open, "a client's handshake is done")
        return connection
    }
}
