import NIOCore

/// The connecting side's part of the handshake: preface and HELLO out, WELCOME in, and a peer's PROOF out.
struct ClientHandshake {
    /// As whom to connect.
    enum Identity: Sendable {
        case client
        case peer(nodeId: String, secret: [UInt8])
    }

    private let clusterId: String
    private let identity: Identity
    /// The node that is meant; nil when any will do.
    private let nodeId: String?
    private let limits: Limits
    private let features: Features
    private let nonce: [UInt8]

    /// A method table of a few thousand rows fits.
    static let maxFrameBytes = 256 << 10

    init(
        clusterId: String, identity: Identity, nodeId: String?, limits: Limits, features: Features, nonce: [UInt8]
    ) {
        self.clusterId = clusterId
        self.identity = identity
        self.nodeId = nodeId
        self.limits = limits
        self.features = features
        self.nonce = nonce
    }

    func start(into output: inout ByteBuffer) {
        var hello = Hello(
            clusterId: clusterId, role: Role.client.rawValue, nonce: nonce, nodeId: "", limits: limits,
            features: features)
        if case .peer(let nodeId, _) = identity {
            hello.role = Role.peer.rawValue
            hello.nodeId = nodeId
        }
        output.writeBytes(Preface.bytes)
        FrameEncoder.write(.hello, payload: hello.packed(), into: &output)
    }

    /// Checks the server, proves a peer's role, and returns what the server said.
    /// - Parameter peerName: the node that the server's certificate names; nil without TLS.
    func received(
        _ frame: Frame, peerName: String?, into output: inout ByteBuffer
    ) throws(ProtocolViolation) -> Welcome {
        guard frame.kind == .welcome else { throw .malformed("a \(frame.kind) frame instead of WELCOME") }
        let welcome = try Welcome(unpacking: frame.payload)
        guard welcome.protocolVersion == UInt32(Preface.version) else {
            throw Preface.wrongVersion(welcome.protocolVersion)
        }
        guard welcome.clusterId == clusterId else {
            throw ProtocolViolation(
                .failedPrecondition,
                "node \(welcome.nodeId) belongs to cluster \"\(welcome.clusterId)\", not \"\(clusterId)\"")
        }
        if let peerName { try checkName(peerName, of: welcome) }
        if case .peer(let nodeId, let secret) = identity {
            try prove(nodeId: nodeId, secret: secret, to: welcome, into: &output)
        }
        return welcome
    }

    /// A certificate speaks for one node: the one that is meant, and the one that the server says it is.
    private func checkName(_ name: String, of welcome: Welcome) throws(ProtocolViolation) {
        if let nodeId, nodeId != name {
            throw ProtocolViolation(.unauthenticated, "the certificate is that of node \(name), not of node \(nodeId)")
        }
        guard welcome.nodeId == name else {
            throw ProtocolViolation(
                .unauthenticated, "the certificate is that of node \(name), but the server says it is \(welcome.nodeId)"
            )
        }
    }

    /// The server's proof is checked first: an impostor learns nothing.
    private func prove(
        nodeId: String, secret: [UInt8], to welcome: Welcome, into output: inout ByteBuffer
    ) throws(ProtocolViolation) {
        let isProven =
            welcome.nonce.count == ClusterProof.nonceBytes
            && ClusterProof.isValid(
                welcome.proof, .server, secret: secret, clientNonce: nonce, serverNonce: welcome.nonce,
                nodeId: welcome.nodeId)
        guard isProven else {
            throw ProtocolViolation(
                .unauthenticated, "node \(welcome.nodeId) did not prove that it knows the cluster's secret")
        }
        let mac = ClusterProof.make(
            .peer, secret: secret, clientNonce: nonce, serverNonce: welcome.nonce, nodeId: nodeId)
        FrameEncoder.write(.proof, payload: Proof(mac: mac).packed(), into: &output)
    }
}
