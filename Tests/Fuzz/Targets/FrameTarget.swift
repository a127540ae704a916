import NIOCore

@testable import RPC

extension FuzzTarget {
    /// The decoder, whole and in pieces, against ``PlainFrames``, and back through the encoder.
    static let frames = FuzzTarget(name: "frames", mostBytes: 512, check: FrameCheck.check, seeds: FrameCheck.seeds)
}

private enum FrameCheck {
    static func check(_ input: inout FuzzInput) throws {
        let (mends, limit, seed) = (input.flag(), Int(input.number(UInt16.self)), input.byte())
        let bytes = mends ? PlainFrames.mended(input.rest()) : input.rest()
        let plain = PlainFrames(bytes, limit: limit)
        let buffer = ByteBuffer(bytes: bytes)
        try same(decode([buffer], limit: limit), plain, "whole")
        var chance = SmallChance(seed: seed)
        try same(decode(buffer.pieces(of: 1 + Int(seed) % 64, &chance), limit: limit), plain, "in pieces")
        try hold(encode(plain.frames) == Array(bytes.prefix(plain.consumed)), "frames are encoded as they came")
    }

    private struct Decoded {
        var frames: [PlainFrames.Frame] = []
        var violation: ProtocolViolation?
        var isMidFrame = false
    }

    private static func decode(_ pieces: [ByteBuffer], limit: Int) throws -> Decoded {
        var (decoder, decoded) = (FrameDecoder(maxPayloadBytes: limit), Decoded())
        do throws(ProtocolViolation) {
            for piece in pieces {
                decoder.append(piece)
                while let frame = try decoder.next() { decoded.frames.append(PlainFrames.Frame(frame)) }
                // Asking again takes nothing.
                if try decoder.next() != nil { throw ProtocolViolation(.unknown, "a frame came of nothing") }
            }
        } catch {
            decoded.violation = error
        }
        decoded.isMidFrame = decoder.isMidFrame
        return decoded
    }

    private static func same(_ decoded: Decoded, _ plain: PlainFrames, _ how: String) throws {
        try hold(decoded.frames == plain.frames, "\(how): \(decoded.frames.count) frames, not \(plain.frames.count)")
        switch plain.end {
        case .refused(let code):
            try hold(
                decoded.violation?.code == code, "\(how): \(code), not \(decoded.violation?.code.name ?? "nothing")")
        case .waiting(let leftover):
            try hold(decoded.violation == nil, "\(how): refused with \(decoded.violation?.reason ?? "")")
            try hold(decoded.isMidFrame == (leftover > 0), "\(how): mid frame with \(leftover) bytes left")
        }
    }

    private static func encode(_ frames: [PlainFrames.Frame]) -> [UInt8] {
        var buffer = ByteBuffer()
        for frame in frames {
            guard let kind = FrameKind(rawValue: frame.kind) else { continue }
            FrameEncoder.write(
                kind, flags: FrameFlags(rawValue: frame.flags), stream: frame.stream, payload: frame.payload,
                into: &buffer)
        }
        return buffer.array
    }

    static func seeds() throws -> [[UInt8]] {
        let frames = try GoldenFrames.read()
        let heads: [[UInt8]] = [[0, 0xFF, 0xFF, 7], [1, 0x80, 0, 0]]
        return heads.flatMap { head in frames.map { head + $0.bytes } + [head + frames.flatMap(\.bytes)] }
    }
}

extension PlainFrames.Frame {
    init(_ frame: RPC.Frame) {
        self.init(
            kind: frame.kind.rawValue, flags: frame.flags.rawValue, stream: frame.stream, payload: frame.payload.array)
    }
}
