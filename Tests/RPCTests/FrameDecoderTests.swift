import NIOCore
import Testing

@testable import RPC

/// Frames survive being cut anywhere, and nothing is believed before it is checked.
@Suite struct FrameDecoderTests {
    @Test func framesArriveByteByByte() throws {
        var bytes = ByteBuffer()
        FrameEncoder.write(.ping, payload: [1, 2, 3, 4, 5, 6, 7, 8], into: &bytes)
        FrameEncoder.write(.cancel, stream: 5, into: &bytes)
        var decoder = FrameDecoder(maxPayloadBytes: 100)
        var frames: [Frame] = []
        for byte in bytes.readableBytesView {
            decoder.append(ByteBuffer(bytes: [byte]))
            while let frame = try decoder.next() { frames.append(frame) }
        }
        #expect(
            frames == [
                Frame(kind: .ping, payload: ByteBuffer(bytes: [1, 2, 3, 4, 5, 6, 7, 8])),
                Frame(kind: .cancel, stream: 5),
            ])
        #expect(!decoder.isMidFrame)
    }

    @Test(arguments: [UInt64(1), 2, 3, .random(in: .min ... .max)])
    func framesSurviveAnyCut(seed: UInt64) throws {
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let sent = (0..<200).map { _ in Self.randomFrame(&random) }
        var bytes = ByteBuffer()
        for frame in sent {
            FrameEncoder.write(
                frame.kind, flags: frame.flags, stream: frame.stream, payload: Array(frame.payload.readableBytesView),
                into: &bytes)
        }
        var decoder = FrameDecoder(maxPayloadBytes: 5000)
        var frames: [Frame] = []
        while bytes.readableBytes > 0 {
            let count = min(bytes.readableBytes, Int.random(in: 1...3000, using: &random))
            if let piece = bytes.readSlice(length: count) { decoder.append(piece) }
            while let frame = try decoder.next() { frames.append(frame) }
        }
        #expect(frames == sent, "seed \(seed)")
    }

    private static func randomFrame(_ random: inout SeededGenerator) -> Frame {
        let size = Int.random(in: 0...10, using: &random) == 0 ? 5000 : Int.random(in: 0...100, using: &random)
        return Frame(
            kind: FrameKind.allCases.randomElement(using: &random) ?? .ping,
            flags: FrameFlags(rawValue: UInt8.random(in: 0...3, using: &random)),
            stream: UInt32.random(in: .min ... .max, using: &random), payload: ByteBuffer(bytes: random.bytes(size)))
    }

    @Test(arguments: [UInt64(4), .random(in: .min ... .max)])
    func aFlippedBitIsNeverBelieved(seed: UInt64) throws {
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var bytes = ByteBuffer()
            FrameEncoder.write(.message, stream: 9, payload: random.bytes(40), into: &bytes)
            let index = Int.random(in: 0..<bytes.readableBytes, using: &random)
            let old = bytes.getInteger(at: index, as: UInt8.self) ?? 0
            bytes.setInteger(old ^ (1 << UInt8.random(in: 0..<8, using: &random)), at: index)
            var decoder = FrameDecoder(maxPayloadBytes: 100)
            decoder.append(bytes)
            #expect(throws: ProtocolViolation.self, "seed \(seed)") { _ = try decoder.next() }
        }
    }

    /// The claim alone must be refused: waiting for the bytes would be believing it.
    @Test func aLengthAboveTheLimitIsRefusedBeforeItsBytesArrive() {
        var bytes = ByteBuffer()
        FrameEncoder.write(.message, stream: 1, payload: [UInt8](repeating: 0, count: 101), into: &bytes)
        var decoder = FrameDecoder(maxPayloadBytes: 100)
        decoder.append(bytes.getSlice(at: 0, length: FrameHeader.byteCount) ?? bytes)
        #expect(throws: ProtocolViolation(.resourceExhausted, "a message frame of 101 bytes is above the limit of 100"))
        { _ = try decoder.next() }
    }
}
