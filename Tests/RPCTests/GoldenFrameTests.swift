import Foundation
import NIOCore
import Testing

@testable import RPC

/// The wire, byte for byte, as text that one can review. After a deliberate change of docs/protocol.md, run the tests
/// with ROOKERY_REWRITE_VECTORS=1 and read the difference.
@Suite struct GoldenFrameTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Vectors/frames.txt")

    @Test func framesAreAsReviewed() throws {
        let text = Self.render()
        if ProcessInfo.processInfo.environment["ROOKERY_REWRITE_VECTORS"] == "1" {
            try text.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let reviewed = try String(contentsOf: Self.path, encoding: .utf8)
        #expect(text == reviewed)
    }

    private static func render() -> String {
        var text = """
            # Golden frames of docs/protocol.md. Each block: a name, the 20 bytes of the header (length, kind, flags, zero,
            # stream, payload checksum, header checksum), and the payload in rows of 16 bytes.

            preface
              \(hex(Preface.bytes))

            """
        for (name, frame) in frames() {
            let header = Array(frame.readableBytesView.prefix(FrameHeader.byteCount))
            let parts = [
                header[0..<4], header[4..<5], header[5..<6], header[6..<8], header[8..<12], header[12..<16],
                header[16..<20],
            ]
            text += "\n\(name)\n  \(parts.map { hex($0, separator: "") }.joined(separator: " | "))\n"
            let payload = Array(frame.readableBytesView.dropFirst(FrameHeader.byteCount))
            for row in stride(from: 0, to: payload.count, by: 16) {
                text += "  \(hex(payload[row..<min(row + 16, payload.count)]))\n"
            }
        }
        return text
    }

    private static func hex(_ bytes: some Sequence<UInt8>, separator: String = " ") -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined(separator: separator)
    }

    private static func frames() -> [(String, ByteBuffer)] {
        handshakeFrames() + callFrames() + [
            ("cancel stream 3", frame { FrameEncoder.write(.cancel, stream: 3, into: &$0) }),
            ("end of stream 5's messages", frame { FrameEncoder.write(.end, flags: .endStream, stream: 5, into: &$0) }),
            (
                "metadata on stream 5",
                frame {
                    let metadata = Metadata(entries: [.init(key: "who", text: "wren")])
                    FrameEncoder.write(.metadata, stream: 5, payload: metadata.packed(), into: &$0)
                }
            ),
            ("ping", frame { FrameEncoder.write(.ping, payload: [1, 2, 3, 4, 5, 6, 7, 8], into: &$0) }),
            ("pong", frame { FrameEncoder.write(.pong, payload: [1, 2, 3, 4, 5, 6, 7, 8], into: &$0) }),
            ("credit of 1000 bytes for stream 3", frame { Credit.write(1000, stream: 3, into: &$0) }),
            (
                "goaway after stream 7",
                frame { FrameEncoder.write(.goAway, payload: GoAway(lastStream: 7, reason: "bye").packed(), into: &$0) }
            ),
            (
                "close with UNAUTHENTICATED",
                frame {
                    let close = Close(code: .unauthenticated, reason: "no")
                    FrameEncoder.write(.close, payload: close.packed(), into: &$0)
                }
            ),
        ]
    }

    private static func handshakeFrames() -> [(String, ByteBuffer)] {
        let clientNonce = [UInt8](0..<16)
        let serverNonce = [UInt8](16..<32)
        let limits = Limits(
            maxFrameBytes: 2000, maxMessageBytes: 1000, maxConcurrentStreams: 10, streamCreditBytes: 300,
            connectionCreditBytes: 400)
        let hello = Hello(
            clusterId: "nest", role: 2, nonce: clientNonce, nodeId: "n2", limits: limits, features: .lz4)
        let welcome = Welcome(
            clusterId: "nest", nodeId: "n1", nonce: serverNonce,
            proof: ClusterProof.make(
                .server, secret: Stage.secret, clientNonce: clientNonce, serverNonce: serverNonce, nodeId: "n1"),
            limits: limits, features: .lz4,
            methods: [
                MethodEntry(number: 1, name: "a/B", kind: .unary),
                MethodEntry(number: 2, name: "a/C", kind: .serverStreaming),
            ])
        let mac = ClusterProof.make(
            .peer, secret: Stage.secret, clientNonce: clientNonce, serverNonce: serverNonce, nodeId: "n2")
        return [
            ("hello of peer n2", frame { FrameEncoder.write(.hello, payload: hello.packed(), into: &$0) }),
            ("welcome of n1", frame { FrameEncoder.write(.welcome, payload: welcome.packed(), into: &$0) }),
            (
                "proof of n2, secret \"the cluster's secret\"",
                frame { FrameEncoder.write(.proof, payload: Proof(mac: mac).packed(), into: &$0) }
            ),
        ]
    }

    private static func callFrames() -> [(String, ByteBuffer)] {
        var coding = MessageCoding(compressFrom: 32, acceptsCompressed: true, maxMessageBytes: 1000)
        var head = RequestHead(method: 1)
        head.remainingMs = 1500
        head.revision = 7
        head.key = IdempotencyKey(high: 0x1122_3344_5566_7788, low: 0x99AA_BBCC_DDEE_FF00)
        head.partition = 42
        head.session = Array("session".utf8)
        let metadata = Metadata(entries: [.init(key: "k", value: [1])], traceParent: "00-trace")
        let load = LoadReport(inFlight: 3, utilisationPermille: 250, medianLatencyUs: 800, draining: true)
        let error = RPCError(
            .notFound, "no such user", ran: .yes, retryable: true, retryAfterMs: 20, details: [9, 9])
        let full = head
        return [
            (
                "request on stream 1, \"hi\"",
                request(1, full, metadata, Array("hi".utf8), &coding)
            ),
            ("request on stream 3, nothing to say", request(3, RequestHead(method: 2), Metadata(), [], &coding)),
            (
                "request on stream 5, 64 x \"a\" compressed",
                request(5, RequestHead(method: 1), Metadata(), [UInt8](repeating: 97, count: 64), &coding)
            ),
            (
                "message on stream 3",
                frame { FrameEncoder.write(.message, stream: 3, payload: [1, 2, 3], into: &$0) }
            ),
            (
                "response on stream 1, \"hi\"",
                frame {
                    FrameEncoder.write(.response, flags: .endStream, stream: 1, into: &$0) {
                        ResponseTrailer(load: load).write(
                            packedDetails: [], packedMetadata: metadata.packed(), into: &$0)
                        return coding.write(Array("hi".utf8), into: &$0)
                    }
                }
            ),
            (
                "response on stream 3, NOT_FOUND",
                frame {
                    FrameEncoder.write(.response, flags: .endStream, stream: 3, into: &$0) {
                        ResponseTrailer(load: load, error: error).write(
                            packedDetails: error.packed(), packedMetadata: [], into: &$0)
                        return []
                    }
                }
            ),
        ]
    }

    private static func request(
        _ stream: UInt32, _ head: RequestHead, _ metadata: Metadata, _ message: [UInt8], _ coding: inout MessageCoding
    ) -> (ByteBuffer) {
        frame {
            FrameEncoder.write(.request, flags: .endStream, stream: stream, into: &$0) {
                head.write(packedMetadata: metadata.packed(), into: &$0)
                return coding.write(message, into: &$0)
            }
        }
    }

    private static func frame(_ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(&buffer)
        return buffer
    }
}
