import NIOCore

/// Appends frames to a buffer: room for the header, the payload, then the header over it.
enum FrameEncoder {
    /// Appends one frame. `body` writes the payload and returns flags that only it knows (compression).
    static func write(
        _ kind: FrameKind, flags: FrameFlags = [], stream: UInt32 = 0, into buffer: inout ByteBuffer,
        body: (inout ByteBuffer) -> FrameFlags = { _ in [] }
    ) {
        let start = buffer.writerIndex
        buffer.writeRepeatingByte(0, count: FrameHeader.byteCount)
        let more = body(&buffer)
        writeHeader(kind, flags: flags.union(more), stream: stream, at: start, into: &buffer)
    }

    /// Appends one frame whose payload is at hand.
    static func write(
        _ kind: FrameKind, flags: FrameFlags = [], stream: UInt32 = 0, payload: [UInt8], into buffer: inout ByteBuffer
    ) {
        write(kind, flags: flags, stream: stream, into: &buffer) {
            $0.writeBytes(payload)
            return []
        }
    }

    private static func writeHeader(
        _ kind: FrameKind, flags: FrameFlags, stream: UInt32, at start: Int, into buffer: inout ByteBuffer
    ) {
        let payloadStart = start + FrameHeader.byteCount
        let payloadBytes = buffer.writerIndex - payloadStart
        let payloadChecksum = checksum(of: buffer, at: payloadStart, count: payloadBytes)
        buffer.setInteger(UInt32(payloadBytes), at: start, endianness: .little)
        buffer.setInteger(kind.rawValue, at: start + 4)
        buffer.setInteger(flags.rawValue, at: start + 5)
        buffer.setInteger(UInt16(0), at: start + 6)
        buffer.setInteger(stream, at: start + 8, endianness: .little)
        buffer.setInteger(payloadChecksum, at: start + 12, endianness: .little)
        let headerChecksum = checksum(of: buffer, at: start, count: FrameHeader.checkedByteCount)
        buffer.setInteger(headerChecksum, at: start + 16, endianness: .little)
    }

    private static func checksum(of buffer: ByteBuffer, at index: Int, count: Int) -> UInt32 {
        buffer.withUnsafeReadableBytes { bytes in
            let start = index - buffer.readerIndex
            return wireChecksum(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
        }
    }
}
