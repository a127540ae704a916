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

    /// Writes the header of a frame whose payload is there already.
    ///
    /// - Parameter start: where the header's room begins, as a writer index.
    static func writeHeader(
        _ kind: FrameKind, flags: FrameFlags, stream: UInt32, at start: Int, into buffer: inout ByteBuffer
    ) {
        let offset = start - buffer.readerIndex
        buffer.withUnsafeMutableReadableBytes {
            storeHeader(kind, flags: flags, stream: stream, in: UnsafeMutableRawBufferPointer(rebasing: $0[offset...]))
        }
    }

    /// The header of `frame`, whose payload is there already.
    static func storeHeader(
        _ kind: FrameKind, flags: FrameFlags, stream: UInt32, in frame: UnsafeMutableRawBufferPointer
    ) {
        let payload = UnsafeRawBufferPointer(rebasing: frame[FrameHeader.byteCount...])
        frame.storeBytes(of: UInt32(payload.count).littleEndian, as: UInt32.self)
        frame[4] = kind.rawValue
        frame[5] = flags.rawValue
        frame.storeBytes(of: 0, toByteOffset: 6, as: UInt16.self)
        frame.storeBytes(of: stream.littleEndian, toByteOffset: 8, as: UInt32.self)
        frame.storeBytes(of: wireChecksum(payload).littleEndian, toByteOffset: 12, as: UInt32.self)
        let checked = UnsafeRawBufferPointer(rebasing: frame[..<FrameHeader.checkedByteCount])
        frame.storeBytes(of: wireChecksum(checked).littleEndian, toByteOffset: 16, as: UInt32.self)
    }
}
