import NIOCore

/// Bytes in, checked frames out. A short input consumes nothing; a length is believed only after the header's
/// checksum and the limit, and no memory is set aside for it: the buffer grows by what has arrived.
struct FrameDecoder {
    /// The largest payload that is taken; small until the handshake is done.
    var maxPayloadBytes: Int
    private var buffer = ByteBuffer()
    private var header: FrameHeader?

    init(maxPayloadBytes: Int) {
        self.maxPayloadBytes = maxPayloadBytes
    }

    /// Part of a frame is here and the rest is not.
    var isMidFrame: Bool { header != nil || buffer.readableBytes > 0 }

    /// What is kept of bytes that make no whole frame yet: the memory, which may be more than they need.
    var heldBytes: Int { buffer.readableBytes == 0 ? 0 : buffer.storageCapacity }

    mutating func append(_ bytes: ByteBuffer) {
        guard buffer.readableBytes > 0 else {
            buffer = bytes
            return
        }
        // Moved at most once for each byte that was consumed.
        if buffer.readerIndex > buffer.readableBytes { buffer.discardReadBytes() }
        buffer.writeImmutableBuffer(bytes)
    }

    /// The next whole frame, or nil when more bytes are needed.
    mutating func next() throws(ProtocolViolation) -> Frame? {
        if header == nil { header = try readHeader() }
        guard let header, buffer.readableBytes >= header.payloadBytes else {
            if buffer.readableBytes == 0 { buffer = ByteBuffer() }
            return nil
        }
        self.header = nil
        guard let payload = buffer.readSlice(length: header.payloadBytes),
            payload.withUnsafeReadableBytes(wireChecksum) == header.payloadChecksum
        else {
            throw ProtocolViolation(.dataLoss, "payload checksum of a \(header.kind) frame does not match")
        }
        return Frame(kind: header.kind, flags: header.flags, stream: header.stream, payload: payload)
    }

    private mutating func readHeader() throws(ProtocolViolation) -> FrameHeader? {
        guard buffer.readableBytes >= FrameHeader.byteCount else { return nil }
        let raw = buffer.withUnsafeReadableBytes(RawHeader.init)
        buffer.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        guard raw.isIntact else { throw ProtocolViolation(.dataLoss, "frame header checksum does not match") }
        guard let kind = FrameKind(rawValue: raw.kind) else { throw .malformed("unknown frame kind \(raw.kind)") }
        let flags = FrameFlags(rawValue: raw.flags)
        guard raw.zero == 0, FrameFlags.known.isSuperset(of: flags) else {
            throw .malformed("reserved bits are set in a \(kind) frame's header")
        }
        guard Int(raw.length) <= maxPayloadBytes else {
            throw ProtocolViolation(
                .resourceExhausted, "a \(kind) frame of \(raw.length) bytes is above the limit of \(maxPayloadBytes)")
        }
        return FrameHeader(
            payloadBytes: Int(raw.length), kind: kind, flags: flags, stream: raw.stream,
            payloadChecksum: raw.payloadChecksum)
    }
}

/// A header's fields, not yet believed.
private struct RawHeader {
    let length: UInt32
    let kind: UInt8
    let flags: UInt8
    let zero: UInt16
    let stream: UInt32
    let payloadChecksum: UInt32
    let isIntact: Bool

    /// - Parameter bytes: at least a header's.
    init(_ bytes: UnsafeRawBufferPointer) {
        length = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        kind = bytes[4]
        flags = bytes[5]
        zero = bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
        stream = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        payloadChecksum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        let checksum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        isIntact = checksum == wireChecksum(UnsafeRawBufferPointer(rebasing: bytes[..<FrameHeader.checkedByteCount]))
    }
}
