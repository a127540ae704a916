import NIOCore

@testable import RPC

extension FuzzTarget {
    /// A client or a peer that hears what should be WELCOME: whom it believes, and to whom it proves itself.
    static let clientHandshake = FuzzTarget(
        name: "client-handshake", check: ClientHandshakeCheck.check, seeds: ClientHandshakeCheck.seeds)
}

private enum ClientHandshakeCheck {
    private struct Meeting {
        var isPeer: Bool
        /// Of the certificate.
        var peerName: String?
        var bytes = ByteBuffer()
        /// nil when the bytes are not made of frames.
        var heard: (kind: FrameKind, payload: [UInt8])?
    }

    private static let serverNonce = [UInt8](16..<32)

    static func check(_ input: inout FuzzInput) throws {
        let (flags, seed) = (input.byte(), input.byte())
        var meeting = Meeting(isPeer: flags & 2 != 0, peerName: flags & 4 == 0 ? nil : "n1")
        if flags & 1 == 0 {
            let kind = FrameKind(rawValue: input.byte()) ?? .welcome
            let payload = proven(input.rest(), flags & 8 != 0)
            FrameEncoder.write(kind, payload: payload, into: &meeting.bytes)
            meeting.heard = (kind, payload)
        } else {
            meeting.bytes.writeBytes(input.rest())
        }
        var (whole, actions) = fresh(meeting)
        whole.received(meeting.bytes, now: Nest.start, into: &actions)
        try judge(whole, actions, meeting)
        try sameInPieces(meeting, seed, whole, actions)
    }

    /// The same WELCOME with a proof that is right, if `provesItself`.
    private static func proven(_ payload: [UInt8], _ provesItself: Bool) -> [UInt8] {
        guard provesItself, var welcome = try? Welcome(unpacking: ByteBuffer(bytes: payload)) else { return payload }
        welcome.proof = rightMac(welcome)
        return welcome.packed()
    }

    private static func rightMac(_ welcome: Welcome) -> [UInt8] {
        ClusterProof.make(
            .server, secret: Nest.secret, clientNonce: Nest.nonce, serverNonce: welcome.nonce, nodeId: welcome.nodeId)
    }

    private static func fresh(_ meeting: Meeting) -> (ClientConnection, Actions<ClientConnection.Command>) {
        var actions = Actions<ClientConnection.Command>()
        let identity: ClientHandshake.Identity = meeting.isPeer ? .peer(nodeId: "n2", secret: Nest.secret) : .client
        var connection = ClientConnection(
            configuration: Nest.clientConfiguration(identity), nonce: Nest.nonce, now: Nest.start)
        connection.peerName = meeting.peerName
        connection.connecting(now: Nest.start)
        connection.connected(into: &actions)
        actions.output = ByteBuffer()
        return (connection, actions)
    }

    private static func judge(
        _ connection: ClientConnection, _ actions: Actions<ClientConnection.Command>, _ meeting: Meeting
    ) throws {
        let said = PlainFrames(actions.output.array, limit: 1 << 20)
        try hold(said.end == .waiting(leftover: 0), "what a client says is made of frames")
        let kinds = said.frames.compactMap { FrameKind(rawValue: $0.kind) }
        var isOpened = false
        for case .opened in actions.commands { isOpened = true }
        try hold(
            kinds.contains(.proof) == (isOpened && meeting.isPeer), "only a peer proves itself, to whom it believes")
        try hold(!kinds.contains(.close) || connection.phase == .closed, "who says CLOSE is closed")
        try hold(kinds.dropLast().allSatisfy { $0 != .close }, "CLOSE is the last")
        if isOpened, let heard = meeting.heard { try mayBelieve(heard, connection, meeting) }
    }

    private static func mayBelieve(
        _ heard: (kind: FrameKind, payload: [UInt8]), _ connection: ClientConnection, _ meeting: Meeting
    ) throws {
        let welcome = try Welcome(unpacking: ByteBuffer(bytes: heard.payload))
        try hold(heard.kind == .welcome && welcome.clusterId == Nest.clusterId, "WELCOME names the cluster")
        try hold(welcome.protocolVersion == 1, "WELCOME is of this version")
        try hold(meeting.peerName.map { $0 == welcome.nodeId } ?? true, "the server is who its certificate says")
        try hold(connection.methods.values.allSatisfy(welcome.methods.contains), "methods are those of WELCOME")
        guard meeting.isPeer else { return }
        try hold(welcome.proof == rightMac(welcome), "a peer believes only who proves to know the secret")
        try hold(welcome.nonce.count == 16, "a server's nonce is whole")
    }

    private static func sameInPieces(
        _ meeting: Meeting, _ seed: UInt8, _ whole: ClientConnection, _ expected: Actions<ClientConnection.Command>
    ) throws {
        var (connection, actions) = fresh(meeting)
        var chance = SmallChance(seed: seed)
        for piece in meeting.bytes.pieces(of: 1 + Int(seed), &chance) {
            connection.received(piece, now: Nest.start, into: &actions)
        }
        try hold(connection.phase == whole.phase, "bytes in pieces lead to \(whole.phase) as well")
        try hold(actions.output == expected.output, "bytes in pieces are answered alike")
        try hold(actions.commands.count == expected.commands.count, "bytes in pieces cause the same")
    }

    static func seeds() throws -> [[UInt8]] {
        var proof = Nest.welcome(.lz4)
        proof.nonce = serverNonce
        proof.proof = rightMac(proof)
        let close = Close(code: .unauthenticated, reason: "no").packed()
        let golden = try GoldenFrames.read()
        return [
            [0, 9, 0] + Nest.welcome([]).packed(), [2, 9, 0] + proof.packed(),
            [10, 9, 0] + Nest.welcome(.lz4).packed(),
            [14, 9, 0] + proof.packed(), [4, 9, 0] + proof.packed(), [0, 9, 12] + close, [1, 9] + golden[1].bytes,
            [3, 200] + golden[1].bytes,
        ]
    }
}
