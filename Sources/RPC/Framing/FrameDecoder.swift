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
        guard let header, let payload = buffer.readSlice(length: header.payloadBytes) else {
            if buffer.readableBytes == 0 { buffer = ByteBuffer() }
            return nil
        }
        self.header = nil
        guard payload.withUnsafeReadableBytes(wireChecksum) == header.payloadChecksum else {
            throw ProtocolViolation(.dataLoss, "payload checksum of a \(header.kind) frame does not match")
        }
        return Frame(kind: header.kind, flags: header.flags, stream: header.stream, payload: payload)
    }

    private mutating func readHeader() throws(ProtocolViolation) -> FrameHeader? {
        guard buffer.readableBytes >= FrameHeader.byteCount else { return nil }
        let expected = buffer.withUnsafeReadableBytes {
            wireChecksum(UnsafeRawBufferPointer(rebasing: $0.prefix(FrameHeader.checkedByteCount)))
        }
        guard
            let (length, kind, flags, zero, stream, payloadChecksum, checksum) = buffer.readMultipleIntegers(
                endianness: .little, as: (UInt32, UInt8, UInt8, UInt16, UInt32, UInt32, UInt32).self)
        else { return nil }
        guard checksum == expected else {
            throw ProtocolViolation(.dataLoss, "frame header checksum does not match")
        }
        guard let kind = FrameKind(rawValue: kind) else {
            throw .malformed("unknown frame kind \(kind)")
        }
        let knownFlags = FrameFlags(rawValue: flags)
        guard zero == 0, FrameFlags.known.isSuperset(of: knownFlags) else {
            throw .malformed("reserved bits are set in a \(kind) frame's header")
        }
        guard Int(length) <= maxPayloadBytes else {
            throw ProtocolViolation(
                .resourceExhausted, "a \(kind) frame of \(length) bytes is above the limit of \(maxPayloadBytes)")
        }
        return FrameHeader(
            payloadBytes: Int(length), kind: kind, flags: knownFlags, stream: stream, payloadChecksum: payloadChecksum)
    }
}
