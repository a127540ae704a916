import NIOCore
import Testing

@testable import RPC

/// Bytes that no honest client sends, against a live server: it says why, closes, and serves the others.
@Suite(.timeLimit(.minutes(1))) struct MalformedBytesTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: ByteBuffer
        var code: StatusCode
        var reason: String

        var testDescription: String { name }
    }

    @Test(arguments: handshakeAttacks() + frameAttacks() + requestAttacks())
    func theConnectionEndsWithAReason(attack: Attack) async throws {
        try await Stage.play(.tcp, methods: .make()) { stage in
            let bystander = stage.channel()
            try await expectEcho(bystander, [1])
            let raw = try await RawConnection.open(port: stage.port)
            try await raw.say(attack.bytes)
            let last = try #require(try await raw.framesUntilClosed().last)
            #expect(last.kind == .close)
            let close = try Close(unpacking: last.payload)
            #expect(close.code == attack.code)
            #expect(close.reason.contains(attack.reason), "\(close.reason)")
            try await expectEcho(bystander, [2])
        }
    }

    @Test func aHalfSentFrameHarmsNobody() async throws {
        try await Stage.play(.tcp, methods: .make()) { stage in
            let bystander = stage.channel()
            let raw = try await RawConnection.open(port: stage.port)
            var bytes = RawConnection.greeting()
            let whole = Self.request([UInt8](repeating: 1, count: 1000))
            bytes.writeBytes(whole.readableBytesView.prefix(500))
            try await raw.say(bytes)
            try await raw.close()
            try await expectEcho(bystander, [2])
        }
    }

    @Test func aSilentConnectionIsClosedInTime() async throws {
        var configuration = Stage.configuration()
        configuration.handshakeTimeout = .milliseconds(50)
        try await Stage.play(.tcp, configuration, methods: .make()) { stage in
            let raw = try await RawConnection.open(port: stage.port)
            let last = try #require(try await raw.framesUntilClosed().last)
            #expect(try Close(unpacking: last.payload).code == .deadlineExceeded)
        }
    }

    @Test func moreConnectionsThanAllowedAreRefused() async throws {
        var configuration = Stage.configuration()
        configuration.maxConnections = 1
        try await Stage.play(.tcp, configuration, methods: .make()) { stage in
            let first = stage.channel()
            _ = try await first.unary("test/Echo", [])
            let error = await failure { _ = try await stage.channel().unary("test/Echo", []) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.ran == .no)
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
                bytes: joined(ByteBuffer(bytes: Preface.bytes), header(length: 16_385, kind: 1)),
                code: .resourceExhausted, reason: "above the limit of 16384"),
            Attack(
                name: "request before hello", bytes: joined(ByteBuffer(bytes: Preface.bytes), request([])),
                code: .invalidArgument, reason: "during the handshake"),
            Attack(
                name: "request before proof",
                bytes: joined(RawConnection.greeting(role: .peer, nodeId: "n2"), request([])),
                code: .unauthenticated, reason: "before the peer has proven"),
            Attack(
                name: "false proof", bytes: joined(RawConnection.greeting(role: .peer, nodeId: "n2"), falseProof()),
                code: .unauthenticated, reason: "did not prove"),
        ]
    }

    private static func frameAttacks() -> [Attack] {
        [
            Attack(
                name: "lying length", bytes: greeted(header(length: .max, kind: 4)), code: .resourceExhausted,
                reason: "above the limit"),
            Attack(
                name: "bad header checksum", bytes: greeted(header(length: 0, kind: 4, checksumError: 1)),
                code: .dataLoss, reason: "header checksum"),
            Attack(
                name: "bad payload checksum", bytes: greeted(damagedPayload()), code: .dataLoss,
                reason: "payload checksum"),
            Attack(
                name: "unknown kind", bytes: greeted(header(length: 0, kind: 99)), code: .invalidArgument,
                reason: "unknown frame kind 99"),
            Attack(
                name: "reserved header bytes", bytes: greeted(header(length: 0, kind: 8, zero: 1)),
                code: .invalidArgument, reason: "reserved bits are set in a ping frame"),
            Attack(
                name: "unknown flag", bytes: greeted(header(length: 0, kind: 8, flags: 4)), code: .invalidArgument,
                reason: "reserved bits are set in a ping frame"),
            Attack(
                name: "hello twice", bytes: greeted(frame(.hello, flags: [], payload: [])), code: .invalidArgument,
                reason: "a hello frame from the connecting side"),
            Attack(
                name: "message to nobody", bytes: greeted(frame(.message, stream: 1, payload: [])),
                code: .invalidArgument, reason: "stream 1, which was not opened"),
            Attack(
                name: "short ping", bytes: greeted(frame(.ping, flags: [], payload: [1])), code: .invalidArgument,
                reason: "a PING whose payload is not 8 bytes"),
            Attack(
                name: "long credit", bytes: greeted(frame(.credit, flags: [], payload: [1, 0, 0, 0, 0])),
                code: .invalidArgument, reason: "a CREDIT whose payload is not 4 bytes"),
            Attack(
                name: "boundless credit", bytes: greeted(frame(.credit, flags: [], payload: [255, 255, 255, 127])),
                code: .invalidArgument, reason: "credit beyond 2147483647 bytes"),
        ]
    }

    private static func requestAttacks() -> [Attack] {
        [
            Attack(
                name: "compression bomb", bytes: greeted(bomb(declared: 1 << 30)), code: .resourceExhausted,
                reason: "above the limit"),
            Attack(
                name: "compression lie", bytes: greeted(bomb(declared: 1 << 20)), code: .invalidArgument,
                reason: "claims 1048576 bytes"),
            Attack(
                name: "compression of something else", bytes: greeted(bomb(declared: 5)), code: .invalidArgument,
                reason: "is not what it claims"),
            Attack(
                name: "more than a message", bytes: greeted(request([UInt8](repeating: 0, count: 4_194_305))),
                code: .resourceExhausted, reason: "4194305 bytes is above the limit of 4194304"),
            Attack(
                name: "a session that is not there",
                bytes: greeted(frame(.request, stream: 1, payload: [1, 0, 9] + [UInt8](repeating: 0, count: 37))),
                code: .invalidArgument, reason: "shorter than its header says"),
            Attack(
                name: "reserved request bytes", bytes: greeted(frame(.request, stream: 1, payload: reserved())),
                code: .invalidArgument, reason: "reserved bits are set in a request"),
            Attack(
                name: "even stream", bytes: greeted(request([], stream: 2)), code: .invalidArgument,
                reason: "ids are odd and grow"),
            Attack(
                name: "a stream twice", bytes: greeted(request([]), request([])), code: .invalidArgument,
                reason: "ids are odd and grow"),
            Attack(
                name: "short request", bytes: greeted(frame(.request, stream: 1, payload: [1, 2, 3])),
                code: .invalidArgument, reason: "shorter than its fixed header"),
            Attack(
                name: "metadata of nothing but entries", bytes: greeted(entryFlood()), code: .invalidArgument,
                reason: "metadata cannot be read"),
        ]
    }

    private static func greeted(_ frames: ByteBuffer...) -> ByteBuffer {
        frames.reduce(RawConnection.greeting(), joined)
    }

    private static func joined(_ first: ByteBuffer, _ second: ByteBuffer) -> ByteBuffer {
        var bytes = first
        bytes.writeImmutableBuffer(second)
        return bytes
    }

    private static func header(
        length: UInt32, kind: UInt8, flags: UInt8 = 0, zero: UInt16 = 0, checksumError: UInt32 = 0
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(length, kind, flags, zero, UInt32(1), UInt32(0), endianness: .little)
        let checksum = bytes.withUnsafeReadableBytes(wireChecksum)
        bytes.writeInteger(checksum ^ checksumError, endianness: .little)
        return bytes
    }

    private static func frame(
        _ kind: FrameKind, flags: FrameFlags = .endStream, stream: UInt32 = 0, payload: [UInt8]
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(kind, flags: flags, stream: stream, payload: payload, into: &bytes)
        return bytes
    }

    private static func damagedPayload() -> ByteBuffer {
        var bytes = frame(.ping, flags: [], payload: [1, 2, 3, 4, 5, 6, 7, 8])
        bytes.setInteger(UInt8(0xFF), at: bytes.writerIndex - 1)
        return bytes
    }

    private static func request(
        _ message: [UInt8], stream: UInt32 = 1, flags: FrameFlags = .endStream, metadata: [UInt8] = []
    ) -> ByteBuffer {
        var payload = ByteBuffer()
        RequestHead(method: 1).write(packedMetadata: metadata, into: &payload)
        payload.writeBytes(message)
        return frame(.request, flags: flags, stream: stream, payload: Array(payload.readableBytesView))
    }

    /// A head whose last four bytes, which mean nothing yet, are not zero.
    private static func reserved() -> [UInt8] {
        [1, 0] + [UInt8](repeating: 0, count: RequestHead.byteCount - 6) + [1, 0, 0, 0]
    }

    private static func bomb(declared: UInt32) -> ByteBuffer {
        var message = ByteBuffer()
        message.writeInteger(declared, endianness: .little)
        message.writeBytes([0x10, 0x41])
        return request(Array(message.readableBytesView), flags: [.endStream, .compressed])
    }

    private static func falseProof() -> ByteBuffer {
        frame(.proof, flags: [], payload: Proof(mac: [UInt8](repeating: 0, count: 32)).packed())
    }

    /// Two bytes an entry: 32,000 of them would unpack to two megabytes.
    private static func entryFlood() -> ByteBuffer {
        request([], metadata: (0..<32_000).flatMap { _ in [UInt8(0x0A), 0] })
    }
}
