import NIOCore

/// The accepting side's part of the handshake: HELLO in, WELCOME out, and for a peer its PROOF before anything else.
struct ServerHandshake {
    struct Configuration: Sendable {
        var clusterId: String
        var nodeId: String
        var secret: [UInt8]
        var clientLimits: Limits
        var peerLimits: Limits
        var features: Features
        var methods: [MethodEntry]
        /// Peers show a certificate, besides their proof.
        var namesPeers = false
    }

    /// What both sides know once it is done.
    struct Agreement {
        var role: Role
        var nodeId: String
        var ours: Limits
        var theirs: Limits
        var features: Features
    }

    /// Nothing larger is taken before the handshake is done.
    static let maxFrameBytes = 16 << 10

    private enum Phase {
        case hello
        case proof(Hello, Agreement)
        case done
    }

    private let configuration: Configuration
    private let nonce: [UInt8]
    private var phase = Phase.hello

    init(configuration: Configuration, nonce: [UInt8]) {
        self.configuration = configuration
        self.nonce = nonce
    }

    /// Returns the agreement when `frame` was the last one needed.
    /// - Parameter peerName: the node that the other side's certificate names; nil when it showed none.
    mutating func received(
        _ frame: Frame, peerName: String?, into output: inout ByteBuffer
    ) throws(ProtocolViolation) -> Agreement? {
        switch (phase, frame.kind) {
        case (.hello, .hello):
            return try hello(Hello(unpacking: frame.payload), peerName: peerName, into: &output)
        case (.proof(let hello, let agreement), .proof):
            return try proof(Proof(unpacking: frame.payload), hello, agreement)
        case (.proof, _):  // rule G2
            throw ProtocolViolation(.unauthenticated, "a \(frame.kind) frame before the peer has proven its role")
        default: throw .malformed("a \(frame.kind) frame during the handshake")
        }
    }

    private mutating func hello(
        _ hello: Hello, peerName: String?, into output: inout ByteBuffer
    ) throws(ProtocolViolation) -> Agreement? {
        let role = try check(hello)
        if role == .peer, configuration.namesPeers { try checkName(peerName, of: hello) }
        let agreement = Agreement(
            role: role, nodeId: role == .peer ? hello.nodeId : "",
            ours: role == .peer ? configuration.peerLimits : configuration.clientLimits, theirs: hello.limits,
            features: configuration.features.intersection(hello.features))
        let welcome = welcome(to: hello, agreement)
        FrameEncoder.write(.welcome, payload: welcome.packed(), into: &output)
        phase = role == .peer ? .proof(hello, agreement) : .done
        return role == .peer ? nil : agreement
    }

    private func check(_ hello: Hello) throws(ProtocolViolation) -> Role {
        guard hello.protocolVersion == UInt32(Preface.version) else {
            throw Preface.wrongVersion(hello.protocolVersion)
        }
        guard hello.clusterId == configuration.clusterId else {
            throw ProtocolViolation(
                .failedPrecondition,
                "node \(configuration.nodeId) belongs to cluster \"\(configuration.clusterId)\", "
                    + "not \"\(hello.clusterId)\"")
        }
        guard hello.nonce.count == ClusterProof.nonceBytes else {
            throw .malformed("a nonce of \(hello.nonce.count) bytes instead of \(ClusterProof.nonceBytes)")
        }
        guard let role = Role(rawValue: hello.role) else { throw .malformed("unknown role \(hello.role)") }
        guard role == .client || !configuration.secret.isEmpty else {
            throw ProtocolViolation(.unauthenticated, "node \(configuration.nodeId) has no cluster secret, so no peers")
        }
        return role
    }

    /// rule G2: who has the cluster's secret is a node of it; which one, its certificate says.
    private func checkName(_ name: String?, of hello: Hello) throws(ProtocolViolation) {
        guard let name else {
            throw ProtocolViolation(.unauthenticated, "\"\(hello.nodeId)\" showed no certificate, as peers must here")
        }
        guard name == hello.nodeId else {
            throw ProtocolViolation(
                .unauthenticated, "\"\(hello.nodeId)\" showed the certificate of \"\(name)\"")
        }
    }

    private func welcome(to hello: Hello, _ agreement: Agreement) -> Welcome {
        let proof =
            agreement.role == .client
            ? []
            : ClusterProof.make(
                .server, secret: configuration.secret, clientNonce: hello.nonce, serverNonce: nonce,
                nodeId: configuration.nodeId)
        return Welcome(
            clusterId: configuration.clusterId, nodeId: configuration.nodeId, nonce: nonce, proof: proof,
            limits: agreement.ours, features: configuration.features, methods: configuration.methods)
    }

    private mutating func proof(
        _ proof: Proof, _ hello: Hello, _ agreement: Agreement
    ) throws(ProtocolViolation) -> Agreement {
        let isProven = ClusterProof.isValid(
            proof.mac, .peer, secret: configuration.secret, clientNonce: hello.nonce, serverNonce: nonce,
            nodeId: hello.nodeId)
        guard isProven else {
            throw ProtocolViolation(
                .unauthenticated, "\"\(hello.nodeId)\" did not prove that it knows the cluster's secret")
        }
        phase = .done
        return agreement
    }
}
