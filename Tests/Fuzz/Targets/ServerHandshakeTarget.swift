import NIOCore

@testable import RPC

extension FuzzTarget {
    /// A server that is told a preface and a handshake: who gets in, and what is said to the others.
    static let serverHandshake = FuzzTarget(
        name: "server-handshake", check: ServerHandshakeCheck.check, seeds: ServerHandshakeCheck.seeds)
}

private enum ServerHandshakeCheck {
    /// What is said to the server, and how it came.
    private struct Speech {
        var bytes = ByteBuffer()
        /// nil when the bytes are not made of frames.
        var frames: [(kind: FrameKind, payload: [UInt8])]?
        var peerName: String?
        var namesPeers = false
    }

    static func check(_ input: inout FuzzInput) throws {
        let (flags, seed) = (input.byte(), input.byte())
        var speech = flags & 1 == 0 ? framed(&input, provesItself: flags & 8 != 0) : Speech()
        if flags & 1 == 1 { speech.bytes.writeBytes(input.rest()) }
        speech.peerName = flags & 2 == 0 ? nil : "n2"
        speech.namesPeers = flags & 4 != 0
        var (whole, actions) = (fresh(speech), Actions<ServerConnection.Command>())
        whole.received(speech.bytes, now: Nest.start, into: &actions)
        try judge(whole, actions, speech)
        try sameInPieces(speech, seed, whole, actions)
    }

    /// A right preface and two frames, whose kinds and payloads the input decides.
    private static func framed(_ input: inout FuzzInput, provesItself: Bool) -> Speech {
        var speech = Speech(bytes: ByteBuffer(bytes: Preface.bytes), frames: [])
        let kinds = input.byte()
        let first = input.take(Int(input.number(UInt16.self)) % 1024)
        var second = input.rest()
        if provesItself, let hello = try? Hello(unpacking: ByteBuffer(bytes: first)) {
            second = Proof(mac: rightMac(hello)).packed()
        }
        for (kind, payload) in [(kinds & 15, first), (kinds >> 4, second)] {
            // Zero is what is right.
            let right: FrameKind = speech.frames?.isEmpty == true ? .hello : .proof
            let kind = FrameKind(rawValue: kind) ?? right
            FrameEncoder.write(kind, payload: payload, into: &speech.bytes)
            speech.frames?.append((kind, payload))
        }
        return speech
    }

    private static func rightMac(_ hello: Hello) -> [UInt8] {
        ClusterProof.make(
            .peer, secret: Nest.secret, clientNonce: hello.nonce, serverNonce: Nest.nonce, nodeId: hello.nodeId)
    }

    private static func fresh(_ speech: Speech) -> ServerConnection {
        var configuration = Nest.serverConfiguration
        configuration.handshake.namesPeers = speech.namesPeers
        var connection = ServerConnection(configuration: configuration, nonce: Nest.nonce, now: Nest.start)
        connection.peerName = speech.peerName
        return connection
    }

    private static func judge(
        _ connection: ServerConnection, _ actions: Actions<ServerConnection.Command>, _ speech: Speech
    ) throws {
        let said = PlainFrames(actions.output.array, limit: 1 << 20)
        try hold(said.end == .waiting(leftover: 0), "what a server says is made of frames")
        let kinds = said.frames.map(\.kind)
        try hold(kinds.dropFirst().allSatisfy { $0 != FrameKind.welcome.rawValue }, "WELCOME comes once, and first")
        let closes = kinds.filter { $0 == FrameKind.close.rawValue }.count
        try hold(closes == 0 || (closes == 1 && kinds.last == FrameKind.close.rawValue), "CLOSE is the last")
        try hold(closes == 0 || connection.phase == .closed, "who says CLOSE is closed")
        var opened: (role: Role, nodeId: String)?
        for case .opened(let role, let nodeId) in actions.commands { opened = (role, nodeId) }
        guard let opened else { return try hold(connection.phase != .open, "an open connection says so") }
        try hold(kinds.first == FrameKind.welcome.rawValue, "who gets in was welcomed")
        try mayEnter(opened.role, opened.nodeId, speech)
    }

    /// rule G2: a peer has proven to know the secret, and is who the certificate says.
    private static func mayEnter(_ role: Role, _ nodeId: String, _ speech: Speech) throws {
        guard let frames = speech.frames else { return }
        let hello = try Hello(unpacking: ByteBuffer(bytes: frames[0].payload))
        try hold(frames[0].kind == .hello && hello.clusterId == Nest.clusterId, "HELLO names the cluster")
        try hold(hello.protocolVersion == 1 && hello.nonce.count == 16, "HELLO is of this version, and has a nonce")
        try hold(hello.role == role.rawValue, "nobody is what was not asked for")
        guard role == .peer else { return }
        try hold(nodeId == hello.nodeId, "a peer has the name that it said")
        try hold(frames[1].kind == .proof, "a peer proves itself")
        let mac = try Proof(unpacking: ByteBuffer(bytes: frames[1].payload)).mac
        try hold(mac == rightMac(hello), "a peer's proof is right")
        try hold(!speech.namesPeers || speech.peerName == nodeId, "a peer is who its certificate says")
    }

    private static func sameInPieces(
        _ speech: Speech, _ seed: UInt8, _ whole: ServerConnection, _ expected: Actions<ServerConnection.Command>
    ) throws {
        var (connection, actions) = (fresh(speech), Actions<ServerConnection.Command>())
        var chance = SmallChance(seed: seed)
        for piece in speech.bytes.pieces(of: 1 + Int(seed), &chance) {
            connection.received(piece, now: Nest.start, into: &actions)
        }
        try hold(connection.phase == whole.phase, "bytes in pieces lead to \(whole.phase) as well")
        try hold(actions.output == expected.output, "bytes in pieces are answered alike")
        try hold(actions.commands.count == expected.commands.count, "bytes in pieces cause the same")
    }

    static func seeds() throws -> [[UInt8]] {
        func framed(_ flags: UInt8, _ kinds: UInt8, _ first: [UInt8], _ second: [UInt8] = []) -> [UInt8] {
            [flags, 3, kinds, UInt8(first.count & 255), UInt8(first.count >> 8)] + first + second
        }
        var peer = Nest.hello(.lz4)
        (peer.role, peer.nodeId) = (Role.peer.rawValue, "n2")
        let golden = try GoldenFrames.read()
        let start = [1, 200] + Preface.bytes
        return [
            framed(0, 0, Nest.hello(.lz4).packed()),
            framed(0, 0x80, Nest.hello([]).packed(), [1, 2, 3, 4, 5, 6, 7, 8]),
            framed(0, 0, peer.packed(), Proof(mac: rightMac(peer)).packed()), framed(8, 0, peer.packed()),
            framed(14, 0, peer.packed()), framed(12, 0, peer.packed()), framed(0, 0x40, peer.packed(), [0]),
            start + golden[0].bytes, start + golden[0].bytes + golden[2].bytes, [1, 0, 22, 3, 1],
            [1, 9] + Preface.bytes.prefix(4) + [9],
        ]
    }
}
