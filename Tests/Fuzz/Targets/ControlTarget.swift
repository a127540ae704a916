import NIOCore

@testable import RPC

extension FuzzTarget {
    /// CREDIT, GOAWAY, CLOSE, PROOF and PING, by what their payload is read as.
    static let control = FuzzTarget(name: "control", check: ControlCheck.check, seeds: ControlCheck.seeds)
}

private enum ControlCheck {
    static func check(_ input: inout FuzzInput) throws {
        let choice = input.byte() % 5
        let payload = input.rest()
        switch choice {
        case 0: try credit(payload)
        case 1: try goAway(payload)
        case 2: try close(payload)
        case 3: try proof(payload)
        default: try ping(payload)
        }
    }

    private static func credit(_ payload: [UInt8]) throws {
        let read = try? Credit.read(Frame(kind: .credit, payload: ByteBuffer(bytes: payload)))
        guard payload.count == 4 else { return try hold(read == nil, "CREDIT of \(payload.count) bytes is refused") }
        let bytes = Int(little32(payload, 0))
        try hold(read == bytes, "CREDIT of \(bytes), not of \(read ?? -1)")
        for before in [0, -70_000, Credit.most - 1] {
            var credit = before
            let isTaken = (try? Credit.add(bytes, to: &credit)) != nil
            try hold(isTaken == (before + bytes <= Int(Int32.max)), "credit stays below 2^31")
            try hold(!isTaken || credit == before + bytes, "credit adds up")
        }
        try window(Int(payload[0]) * 2, payload.dropFirst().map { Int($0) })
    }

    /// A receiver's account: it never owes or gives more than was used.
    private static func window(_ size: Int, _ costs: [Int]) throws {
        var window = ReceiveWindow(size: size)
        var (left, owed) = (size, 0)
        for cost in costs {
            try hold(window.received(cost) == (left > 0), "a message is taken while credit is left")
            guard left > 0 else { continue }
            (left, owed) = (left - cost, owed + cost)
            guard let back = window.consumed(cost) else {
                try hold(owed * 2 < size, "half of the window is given back")
                continue
            }
            try hold(back == owed, "\(back) bytes are given back, and not \(owed)")
            (left, owed) = (left + owed, 0)
            try hold(left <= size, "the window is never larger than it was")
        }
    }

    private static func goAway(_ payload: [UInt8]) throws {
        guard let read = try? GoAway(unpacking: ByteBuffer(bytes: payload)) else { return }
        let packed = read.packed()
        let again = try GoAway(unpacking: ByteBuffer(bytes: packed))
        try hold(again == read && again.packed() == packed, "a GOAWAY that is written again is the same")
    }

    private static func close(_ payload: [UInt8]) throws {
        guard let read = try? Close(unpacking: ByteBuffer(bytes: payload)) else { return }
        let packed = read.packed()
        let again = try Close(unpacking: ByteBuffer(bytes: packed))
        try hold(again == read && again.packed() == packed, "a CLOSE that is written again is the same")
    }

    private static func proof(_ payload: [UInt8]) throws {
        guard let read = try? Proof(unpacking: ByteBuffer(bytes: payload)) else { return }
        let isValid = ClusterProof.isValid(
            read.mac, .peer, secret: Nest.secret, clientNonce: Nest.nonce, serverNonce: Nest.nonce, nodeId: "n2")
        let right = ClusterProof.make(
            .peer, secret: Nest.secret, clientNonce: Nest.nonce, serverNonce: Nest.nonce, nodeId: "n2")
        try hold(isValid == (read.mac == right), "only the right proof proves anything")
        try hold(try Proof(unpacking: ByteBuffer(bytes: read.packed())) == read, "a PROOF that is written again")
    }

    /// To both sides of an open connection.
    private static func ping(_ payload: [UInt8]) throws {
        var frame = ByteBuffer()
        FrameEncoder.write(.ping, payload: payload, into: &frame)
        var (server, heard) = (Nest.server, Actions<ServerConnection.Command>())
        server.received(frame, now: Nest.start, into: &heard)
        var (client, told) = (Nest.client, Actions<ClientConnection.Command>())
        client.received(frame, now: Nest.start, into: &told)
        for output in [heard.output, told.output] {
            let said = PlainFrames(output.array, limit: 1 << 20).frames
            try hold(said.count == 1, "a PING has one answer")
            let isEcho = said.first?.kind == FrameKind.pong.rawValue && said.first?.payload == payload
            let isClose = said.first?.kind == FrameKind.close.rawValue
            try hold(payload.count == 8 ? isEcho : isClose, "eight bytes come back, others end the connection")
        }
    }

    static func seeds() throws -> [[UInt8]] {
        let golden = try GoldenFrames.read()
        func payload(_ name: String) -> [UInt8] { golden.first { $0.name.hasPrefix(name) }?.payload ?? [] }
        let right = ClusterProof.make(
            .peer, secret: Nest.secret, clientNonce: Nest.nonce, serverNonce: Nest.nonce, nodeId: "n2")
        return [
            [0] + payload("credit"), [0, 0xFF, 0xFF, 0xFF, 0xFF], [1] + payload("goaway"), [2] + payload("close"),
            [3] + payload("proof"), [3] + Proof(mac: right).packed(), [4] + payload("ping"), [4, 1],
        ]
    }
}
