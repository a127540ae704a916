import NIOCore

@testable import RPC

extension FuzzTarget {
    /// A message part, compressed or not: its declared size, the limit, the block; and what is written.
    static let compression = FuzzTarget(
        name: "compression", mostBytes: 512, check: CompressionCheck.check, seeds: CompressionCheck.seeds)
}

private enum CompressionCheck {
    private static let limits = [0, 1, 100, 4096, 1 << 24, Int(UInt32.max)]

    static func check(_ input: inout FuzzInput) throws {
        let flags = input.byte()
        let limit = input.one(of: limits)
        let coding = MessageCoding(
            compressFrom: flags & 4 == 0 ? nil : Int(input.byte()), acceptsCompressed: flags & 1 == 1,
            maxMessageBytes: limit)
        let bytes = input.rest()
        try read(bytes, flags & 2 == 2 ? .compressed : [], coding)
        try write(bytes, coding)
    }

    private static func read(_ bytes: [UInt8], _ flags: FrameFlags, _ coding: MessageCoding) throws {
        var (message, violation): ([UInt8]?, ProtocolViolation?)
        do throws(ProtocolViolation) {
            message = try coding.read(ByteBuffer(bytes: bytes), flags: flags)
        } catch {
            violation = error
        }
        if let early = expected(bytes, flags, coding) {
            return try hold(
                violation?.code == early.code && violation?.reason.contains(early.reason) == true,
                "\(early.code) because \(early.reason), not \(violation?.reason ?? "a message")")
        }
        guard flags.contains(.compressed) else { return try hold(message == bytes, "a plain message is as it came") }
        let size = Int(little32(bytes, 0))
        let plain = PlainBlock.read(Array(bytes[4...]), most: size)
        if let message { return try hold(message == plain && message.count == size, "the block is read rightly") }
        try hold(violation?.code == .invalidArgument, "a bad block is malformed")
    }

    /// What must be said before memory is taken (docs/protocol.md, "COMPRESSED").
    private static func expected(
        _ bytes: [UInt8], _ flags: FrameFlags, _ coding: MessageCoding
    ) -> (code: StatusCode, reason: String)? {
        guard flags.contains(.compressed) else {
            return bytes.count > coding.maxMessageBytes ? (.resourceExhausted, "above the limit") : nil
        }
        if !coding.acceptsCompressed { return (.invalidArgument, "not agreed on") }
        if bytes.count < 4 { return (.invalidArgument, "without its size") }
        let size = Int(little32(bytes, 0))
        if size > coding.maxMessageBytes { return (.resourceExhausted, "above the limit") }
        return size > (bytes.count - 4) * 255 ? (.invalidArgument, "claims \(size) bytes") : nil
    }

    private static func write(_ message: [UInt8], _ coding: MessageCoding) throws {
        var coding = coding
        let reader = MessageCoding(compressFrom: nil, acceptsCompressed: true, maxMessageBytes: message.count)
        for compression in [Compression.automatic, .always, .never] {
            var buffer = ByteBuffer()
            let flags = coding.write(message, compression, into: &buffer)
            try hold(buffer.readableBytes <= message.count, "what is written is never longer")
            try hold(coding.acceptsCompressed || flags.isEmpty, "only who takes LZ4 is sent it")
            try hold(try reader.read(buffer, flags: flags) == message, "what is written is read again")
        }
        try writeInPlace(message, coding, reader)
    }

    private static func writeInPlace(_ message: [UInt8], _ coding: MessageCoding, _ reader: MessageCoding) throws {
        var coding = coding
        var buffer = ByteBuffer(bytes: [1, 2, 3])
        buffer.writeBytes(message)
        let flags = coding.compress(from: 3, in: &buffer)
        try hold(buffer.readBytes(length: 3) == [1, 2, 3], "what stands before stays")
        try hold(try reader.read(buffer, flags: flags) == message, "what is compressed where it lies is read again")
    }

    static func seeds() -> [[UInt8]] {
        var coding = MessageCoding(compressFrom: nil, acceptsCompressed: true, maxMessageBytes: 4096)
        let messages = [
            [UInt8](repeating: 97, count: 64), [UInt8](repeating: 0, count: 2000), Array("abcabcabcabcabcabcabc".utf8),
            [UInt8](0...255),
        ]
        let blocks = messages.map { message in
            var buffer = ByteBuffer()
            _ = coding.write(message, .always, into: &buffer)
            return [3, 3] + buffer.array
        }
        // The last two claim 255 times their block, and one byte more.
        let claims: [[UInt8]] = [
            [3, 4, 255, 255, 255, 0, 0x10, 0x41], [2, 3, 1, 0, 0, 0], [3, 3, 254, 1, 0, 0, 0x10, 0x41],
            [3, 3, 255, 1, 0, 0, 0x10, 0x41],
        ]
        return blocks + messages.map { [5, 3, 16] + $0 } + claims
    }
}
