import NIOCore

/// The start of a REQUEST payload: 40 fixed bytes, then session and metadata (docs/protocol.md, "REQUEST").
struct RequestHead: Equatable {
    static let byteCount = 40
    private static let noPartition: UInt16 = .max

    /// From WELCOME's table; 0 is nobody's.
    var method: UInt16
    /// Milliseconds for which the answer is wanted; 0 for ever.
    var remainingMs: UInt32 = 0
    var revision: UInt64 = 0
    var key = IdempotencyKey.none
    var partition: UInt16?
    var session: [UInt8] = []
    var metadata = Metadata()

    /// The largest session and metadata that the two length fields can say.
    static let maxPartBytes = Int(UInt16.max)

    /// Appends the head; `metadata` are its packed bytes, empty when there is nothing to say.
    func write(packedMetadata: [UInt8], into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            method, UInt16(session.count), remainingMs, revision, key.high, key.low, endianness: .little)
        buffer.writeMultipleIntegers(
            partition ?? Self.noPartition, UInt16(packedMetadata.count), UInt32(0), endianness: .little)
        buffer.writeBytes(session)
        buffer.writeBytes(packedMetadata)
    }

    /// Takes the head off `payload`, which then holds the message.
    init(from payload: inout ByteBuffer) throws(ProtocolViolation) {
        guard
            let (method, sessionBytes, remainingMs, revision, high, low) = payload.readMultipleIntegers(
                endianness: .little, as: (UInt16, UInt16, UInt32, UInt64, UInt64, UInt64).self),
            let (partition, metadataBytes, zero) = payload.readMultipleIntegers(
                endianness: .little, as: (UInt16, UInt16, UInt32).self)
        else { throw .malformed("a request is shorter than its fixed header") }
        guard zero == 0 else { throw .malformed("reserved bits are set in a request") }
        guard let session = payload.readBytes(length: Int(sessionBytes)),
            let packed = payload.readSlice(length: Int(metadataBytes))
        else { throw .malformed("a request is shorter than its header says") }
        self.method = method
        self.remainingMs = remainingMs
        self.revision = revision
        self.key = IdempotencyKey(high: high, low: low)
        self.partition = partition == Self.noPartition ? nil : partition
        self.session = session
        self.metadata = packed.readableBytes == 0 ? Metadata() : try Metadata(unpacking: packed)
    }

    init(method: UInt16) {
        self.method = method
    }
}
