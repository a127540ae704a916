import NIOCore
import Testing

@testable import RPC

/// Bytes that no honest client sends, against a live server: it says why, closes, and serves the others.
@Suite(.timeLimit(.minutes(1))) struct MalformedBytesContractTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: ByteBuffer
        var code: StatusCode
        var reason: String
        /// Says that it is n2, and has its certificate where there are any.
        var isPeer = false

        var testDescription: String { name }
    }

    @Test(arguments: World.allCases, handshakeAttacks() + frameAttacks() + requestAttacks())
    func theConnectionEndsWithAReason(world: World, attack: Attack) async throws {
        try await Stage.play(world, methods: .make()) { stage in
            let bystander = stage.channel()
            try await expectEcho(bystander, [1])
            let raw = try await RawEnd.connect(
                to: stage, as: attack.isPeer ? .peer(nodeId: "n2", secret: Stage.secret) : .client)
            raw.say(attack.bytes)
            let last = try #require(await raw.framesUntilClosed().last)
            #expect(last.kind == .close)
            let close = try Close(unpacking: last.payload)
            #expect(close.code == attack.code)
            #expect(close.reason.contains(attack.reason), "\(close.reason)")
            try await expectEcho(bystander, [2])
        }
    }

    // MARK: Attacks

    private static func handshakeAttacks() -> [Attack] {
        [
            Attack(
                name: "garbage preface", bytes: ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                code: .invalidArgument, reason: "not a Rookery connection"),
            Attack(
                name: "version 2", bytes: ByteBuffer(bytes: [0x52, 0x4B, 0x52, 0x59, 2, 0, 0, 0]),
                code: .failedPrecondition, reason: "protocol version 2"),
            Attack(
                name: "another cluster", bytes: RawConnection.greeting(clusterId: "roost"), code: .failedPrecondition,
                reason: "belongs to cluster \"nest\", not \"roost\""),
            Attack(
                name: "HELLO of version 2", bytes: RawConnection.greeting { $0.protocolVersion = 2 },
                code: .failedPrecondition, reason: "protocol version 2"),
            Attack(
                name: "short nonce", bytes: RawConnection.greeting { $0.nonce.removeLast() }, code: .invalidArgument,
                reason: "a nonce of 15 bytes"),
            Attack(
                name: "unknown role", bytes: RawConnection.greeting { $0.role = 9 }, code: .invalidArgument,
                reason: "unknown role 9"),
            Attack(
                name: "much before the handshake",
                bytes: RawFrames.joined(ByteBuffer(bytes: Preface.bytes), RawFrames.header(length: 16_385, kind: 1)),
                code: .resourceExhausted, reason: "above the limit of 16384"),
            Attack(
                name: "request before hello",
                bytes: RawFrames.joined(ByteBuffer(bytes: Preface.bytes), RawFrames.request([])),
                code: .invalidArgument, reason: "during the handshake"),
            Attack(
                name: "request before proof",
                bytes: RawFrames.joined(RawConnection.greeting(role: .peer, nodeId: "n2"), RawFrames.request([])),
                code: .unauthenticated, reason: "before the peer has proven", isPeer: true),
            Attack(
                name: "false proof",
                bytes: RawFrames.joined(RawConnection.greeting(role: .peer, nodeId: "n2"), falseProof()),
                code: .unauthenticated, reason: "did not prove", isPeer: true),
        ]
    }

    private static func frameAttacks() -> [Attack] {
        [
            Attack(
                name: "reserved header bytes", bytes: greeted(RawFrames.header(length: 0, kind: 8, zero: 1)),
                code: .invalidArgument, reason: "reserved bits are set in a ping frame"),
            Attack(
                name: "unknown flag", bytes: greeted(RawFrames.header(length: 0, kind: 8, flags: 4)),
                code: .invalidArgument,
                reason: "reserved bits are set in a ping frame"),
            Attack(
                name: "hello twice", bytes: greeted(RawFrames.frame(.hello, flags: [], payload: [])),
                code: .invalidArgument,
                reason: "a hello frame from the connecting side"),
            Attack(
                name: "message to nobody", bytes: greeted(RawFrames.frame(.message, stream: 1, payload: [])),
                code: .invalidArgument, reason: "stream 1, which was not opened"),
            Attack(
                name: "short ping", bytes: greeted(RawFrames.frame(.ping, flags: [], payload: [1])),
                code: .invalidArgument,
                reason: "a PING whose payload is not 8 bytes"),
            Attack(
                name: "long credit", bytes: greeted(RawFrames.frame(.credit, flags: [], payload: [1, 0, 0, 0, 0])),
                code: .invalidArgument, reason: "a CREDIT whose payload is not 4 bytes"),
            Attack(
                name: "boundless credit",
                bytes: greeted(RawFrames.frame(.credit, flags: [], payload: [255, 255, 255, 127])),
                code: .invalidArgument, reason: "credit beyond 2147483647 bytes"),
        ]
    }

    private static func requestAttacks() -> [Attack] {
        [
            Attack(
                name: "compression lie", bytes: greeted(bomb(declared: 1 << 20)), code: .invalidArgument,
                reason: "claims 1048576 bytes"),
            Attack(
                name: "compression of something else", bytes: greeted(bomb(declared: 5)), code: .invalidArgument,
                reason: "is not what it claims"),
            Attack(
                name: "more than a message", bytes: greeted(RawFrames.request([UInt8](repeating: 0, count: 4_194_305))),
                code: .resourceExhausted, reason: "4194305 bytes is above the limit of 4194304"),
            Attack(
                name: "a session that is not there",
                bytes: greeted(
                    RawFrames.frame(.request, stream: 1, payload: [1, 0, 9] + [UInt8](repeating: 0, count: 37))),
                code: .invalidArgument, reason: "shorter than its header says"),
            Attack(
                name: "reserved request bytes",
                bytes: greeted(RawFrames.frame(.request, stream: 1, payload: reserved())),
                code: .invalidArgument, reason: "reserved bits are set in a request"),
            Attack(
                name: "even stream", bytes: greeted(RawFrames.request([], stream: 2)), code: .invalidArgument,
                reason: "ids are odd and grow"),
            Attack(
                name: "a stream twice", bytes: greeted(RawFrames.joined(RawFrames.request([]), RawFrames.request([]))),
                code: .invalidArgument,
                reason: "ids are odd and grow"),
            Attack(
                name: "short request", bytes: greeted(RawFrames.frame(.request, stream: 1, payload: [1, 2, 3])),
                code: .invalidArgument, reason: "shorter than its fixed header"),
        ]
    }

    private static func greeted(_ frame: ByteBuffer) -> ByteBuffer {
        RawFrames.joined(RawConnection.greeting(), frame)
    }

    private static func bomb(declared: UInt32) -> ByteBuffer {
        RawFrames.request(RawFrames.bomb(declared: declared), flags: [.endStream, .compressed])
    }

    /// A head whose last four bytes, which mean nothing yet, are not zero.
    private static func reserved() -> [UInt8] {
        [1, 0] + [UInt8](repeating: 0, count: RequestHead.byteCount - 6) + [1, 0, 0, 0]
    }

    private static func falseProof() -> ByteBuffer {
        RawFrames.frame(.proof, flags: [], payload: Proof(mac: [UInt8](repeating: 0, count: 32)).packed())
    }
}
