import NIOCore

@testable import RPC

/// Frames that a test says by hand: right ones, and wrong in one respect.
enum RawFrames {
    static func joined(_ pieces: ByteBuffer...) -> ByteBuffer {
        pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
    }

    static func frame(
        _ kind: FrameKind, flags: FrameFlags = .endStream, stream: UInt32 = 0, payload: [UInt8] = []
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(kind, flags: flags, stream: stream, payload: payload, into: &bytes)
        return bytes
    }

    /// A header alone, whose checksum holds unless `checksumError` is not zero.
    static func header(
        length: UInt32, kind: UInt8, flags: UInt8 = 0, zero: UInt16 = 0, checksumError: UInt32 = 0
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(length, kind, flags, zero, UInt32(1), UInt32(0), endianness: .little)
        let checksum = bytes.withUnsafeReadableBytes(wireChecksum)
        bytes.writeInteger(checksum ^ checksumError, endianness: .little)
        return bytes
    }

    /// A PING one of whose bytes was changed on its way.
    static func damagedPayload() -> ByteBuffer {
        var bytes = frame(.ping, flags: [], payload: [1, 2, 3, 4, 5, 6, 7, 8])
        bytes.setInteger(UInt8(0xFF), at: bytes.writerIndex - 1)
        return bytes
    }

    static func request(
        _ message: [UInt8], method: UInt16 = 1, stream: UInt32 = 1, flags: FrameFlags = .endStream,
        metadata: [UInt8] = []
    ) -> ByteBuffer {
        var payload = ByteBuffer()
        RequestHead(method: method).write(packedMetadata: metadata, into: &payload)
        payload.writeBytes(message)
        return frame(.request, flags: flags, stream: stream, payload: Array(payload.readableBytesView))
    }

    /// A compressed message of six bytes that claims to be more.
    static func bomb(declared: UInt32) -> [UInt8] {
        var message = ByteBuffer()
        message.writeInteger(declared, endianness: .little)
        message.writeBytes([0x10, 0x41])
        return Array(message.readableBytesView)
    }
}
