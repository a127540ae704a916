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

    /// The same as bytes, for a method that is called many times; `remainingMs` is said anew each time.
    func template(packedMetadata: [UInt8]) -> [UInt8] {
        var buffer = ByteBuffer()
        write(packedMetadata: packedMetadata, into: &buffer)
        return Array(buffer: buffer)
    }

    /// Where `remainingMs` lies.
    static let remainingOffset = 4

    /// Takes the head off `payload`, which then holds the message.
    init(from payload: inout ByteBuffer) throws(ProtocolViolation) {
        let fixed = try Fixed(payload)
        payload.moveReaderIndex(forwardBy: Self.byteCount)
        guard let session = payload.readBytes(length: fixed.sessionBytes),
            let packed = payload.readSlice(length: fixed.metadataBytes)
        else { throw .malformed("a request is shorter than its header says") }
        method = fixed.method
        remainingMs = fixed.remainingMs
        revision = fixed.revision
        key = fixed.key
        partition = fixed.partition
        self.session = session
        metadata = packed.readableBytes == 0 ? Metadata() : try Metadata(unpacking: packed)
    }

    /// The forty bytes that every request begins with, and that lie where they came.
    struct Fixed {
        let method: UInt16
        let sessionBytes: Int
        let remainingMs: UInt32
        let revision: UInt64
        let key: IdempotencyKey
        let partition: UInt16?
        let metadataBytes: Int

        /// Where the message begins in the payload.
        var messageOffset: Int { byteCount + sessionBytes + metadataBytes }

        init(_ payload: ByteBuffer) throws(ProtocolViolation) {
            guard payload.readableBytes >= byteCount else {
                throw .malformed("a request is shorter than its fixed header")
            }
            let (fixed, zero) = payload.withUnsafeReadableBytes {
                (Self($0), $0.loadUnaligned(fromByteOffset: 36, as: UInt32.self))
            }
            guard zero == 0 else { throw .malformed("reserved bits are set in a request") }
            guard payload.readableBytes >= fixed.messageOffset else {
                throw .malformed("a request is shorter than its header says")
            }
            self = fixed
        }

        private init(_ bytes: UnsafeRawBufferPointer) {
            func number<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
                T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
            }
            method = number(0, UInt16.self)
            sessionBytes = Int(number(2, UInt16.self))
            remainingMs = number(4, UInt32.self)
            revision = number(8, UInt64.self)
            key = IdempotencyKey(high: number(16, UInt64.self), low: number(24, UInt64.self))
            let partition = number(32, UInt16.self)
            self.partition = partition == noPartition ? nil : partition
            metadataBytes = Int(number(34, UInt16.self))
        }
    }

    init(method: UInt16) {
        self.method = method
    }
}
