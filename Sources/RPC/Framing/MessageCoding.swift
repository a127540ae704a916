import CLZ4
import NIOCore

/// Writes and reads the message part of REQUEST, MESSAGE and RESPONSE payloads: the rest of the payload,
/// as it is or as a u32 size and an LZ4 block.
struct MessageCoding {
    /// Messages from this size on are compressed; nil when the other side does not take LZ4.
    var compressFrom: Int?
    /// Both sides take LZ4.
    var acceptsCompressed: Bool
    /// The largest message this side takes.
    var maxMessageBytes: Int

    /// Whether messages have got smaller lately. A connection whose messages do not compress tries one in 64.
    private var pays = AdaptiveTry(mostStrikes: 6)

    init(compressFrom: Int?, acceptsCompressed: Bool, maxMessageBytes: Int) {
        self.compressFrom = compressFrom
        self.acceptsCompressed = acceptsCompressed
        self.maxMessageBytes = maxMessageBytes
    }

    /// Appends a message and returns the flag that says how.
    mutating func write(
        _ message: [UInt8], _ compression: Compression = .automatic, into buffer: inout ByteBuffer
    ) -> FrameFlags {
        guard wantsCompressed(message.count, compression) else {
            buffer.writeBytes(message)
            return []
        }
        let isSmaller = writeCompressed(message, into: &buffer)
        pays.ended(paid: isSmaller)
        if !isSmaller { buffer.writeBytes(message) }
        return isSmaller ? .compressed : []
    }

    /// Compresses a message that was written already, if it is large enough and gets smaller.
    mutating func compress(from start: Int, in buffer: inout ByteBuffer) -> FrameFlags {
        let count = buffer.writerIndex - start
        guard wantsCompressed(count, .automatic), let message = buffer.getBytes(at: start, length: count) else {
            return []
        }
        buffer.moveWriterIndex(to: start)
        return write(message, .always, into: &buffer)
    }

    private mutating func wantsCompressed(_ bytes: Int, _ compression: Compression) -> Bool {
        guard acceptsCompressed else { return false }
        return switch compression {
        case .automatic: compressFrom.map { bytes >= $0 && pays.isDue() } ?? false
        case .always: true
        case .never: false
        }
    }

    /// False, with the buffer as it was, when compression would not make it smaller.
    private func writeCompressed(_ message: [UInt8], into buffer: inout ByteBuffer) -> Bool {
        guard message.count > 4, message.count <= Int(LZ4_MAX_INPUT_SIZE) else { return false }
        let start = buffer.writerIndex
        buffer.writeInteger(UInt32(message.count), endianness: .little)
        let room = message.count - 5
        let written = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            message.withUnsafeBytes { source in
                Int(
                    LZ4_compress_default(
                        source.baseAddress?.assumingMemoryBound(to: CChar.self),
                        target.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(source.count), Int32(room)))
            }
        }
        if written == 0 { buffer.moveWriterIndex(to: start) }
        return written > 0
    }

    /// The rest of `payload` as a message of its own.
    func read(_ payload: ByteBuffer, flags: FrameFlags) throws(ProtocolViolation) -> [UInt8] {
        guard flags.contains(.compressed) else {
            try checkSize(payload.readableBytes)
            return payload.withUnsafeReadableBytes { [UInt8]($0) }
        }
        guard acceptsCompressed else { throw .malformed("a compressed message, but LZ4 was not agreed on") }
        return try readCompressed(payload)
    }

    private func readCompressed(_ payload: ByteBuffer) throws(ProtocolViolation) -> [UInt8] {
        var payload = payload
        guard let declared = payload.readInteger(endianness: .little, as: UInt32.self) else {
            throw .malformed("a compressed message without its size")
        }
        let size = Int(declared)
        try checkSize(size)
        // An LZ4 block cannot grow more than 255-fold, so a larger claim is a lie and costs no memory.
        guard size <= payload.readableBytes * 255 else {
            throw .malformed("a compressed message claims \(size) bytes from \(payload.readableBytes)")
        }
        var isWhole = false
        let message = [UInt8](unsafeUninitializedCapacity: size) { target, count in
            isWhole = Self.decompress(payload, into: target, size: size)
            count = isWhole ? size : 0
        }
        guard isWhole else { throw .malformed("a compressed message is not what it claims") }
        return message
    }

    /// - Returns: whether the block was one, and holds just `size` bytes.
    private static func decompress(
        _ payload: ByteBuffer, into target: UnsafeMutableBufferPointer<UInt8>, size: Int
    ) -> Bool {
        payload.withUnsafeReadableBytes { source in
            let result = LZ4_decompress_safe(
                source.baseAddress?.assumingMemoryBound(to: CChar.self),
                UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self),
                Int32(source.count), Int32(size))
            return result == Int32(size)
        }
    }

    func checkSize(_ size: Int) throws(ProtocolViolation) {
        guard size <= maxMessageBytes else {
            throw ProtocolViolation(
                .resourceExhausted, "a message of \(size) bytes is above the limit of \(maxMessageBytes)")
        }
    }
}
