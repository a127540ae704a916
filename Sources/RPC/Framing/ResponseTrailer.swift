import NIOCore

/// The start of a RESPONSE payload: 16 fixed bytes, then details and metadata (docs/protocol.md, "RESPONSE").
struct ResponseTrailer: Equatable {
    static let byteCount = 16
    private static let drainingFlag: UInt8 = 1

    var load: LoadReport
    var metadata = Metadata()
    /// nil: the call succeeded.
    var error: RPCError?

    init(load: LoadReport, metadata: Metadata = Metadata(), error: RPCError? = nil) {
        self.load = load
        self.metadata = metadata
        self.error = error
    }

    func write(packedDetails: [UInt8], packedMetadata: [UInt8], into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            (error?.code ?? .ok).rawValue, load.draining ? Self.drainingFlag : 0, UInt16(packedDetails.count),
            load.inFlight, load.utilisationPermille, load.medianLatencyUs, UInt16(packedMetadata.count), UInt16(0),
            endianness: .little)
        buffer.writeBytes(packedDetails)
        buffer.writeBytes(packedMetadata)
    }

    /// The trailer of a plain success, where room was left for it.
    static func store(_ load: LoadReport, in trailer: UnsafeMutableRawBufferPointer) {
        trailer[0] = StatusCode.ok.rawValue
        trailer[1] = load.draining ? drainingFlag : 0
        trailer.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
        trailer.storeBytes(of: load.inFlight.littleEndian, toByteOffset: 4, as: UInt16.self)
        trailer.storeBytes(of: load.utilisationPermille.littleEndian, toByteOffset: 6, as: UInt16.self)
        trailer.storeBytes(of: load.medianLatencyUs.littleEndian, toByteOffset: 8, as: UInt32.self)
        trailer.storeBytes(of: 0, toByteOffset: 12, as: UInt32.self)
    }

    /// The load, when that is all that the trailer of a success says.
    static func plainSuccess(_ payload: ByteBuffer) -> LoadReport? {
        payload.withUnsafeReadableBytes { bytes in
            func number<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
                T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
            }
            guard bytes.count >= byteCount, bytes[0] == StatusCode.ok.rawValue, number(2, UInt16.self) == 0,
                number(12, UInt16.self) == 0
            else { return nil }
            return LoadReport(
                inFlight: number(4, UInt16.self), utilisationPermille: number(6, UInt16.self),
                medianLatencyUs: number(8, UInt32.self), draining: bytes[1] & drainingFlag != 0)
        }
    }

    /// Takes the trailer off `payload`, which then holds the message.
    init(from payload: inout ByteBuffer) throws(ProtocolViolation) {
        guard
            let (code, flags, detailBytes, inFlight, utilisation, median, metadataBytes, _) =
                payload.readMultipleIntegers(
                    endianness: .little, as: (UInt8, UInt8, UInt16, UInt16, UInt16, UInt32, UInt16, UInt16).self),
            let details = payload.readSlice(length: Int(detailBytes)),
            let packed = payload.readSlice(length: Int(metadataBytes))
        else { throw .malformed("a response is shorter than its header says") }
        load = LoadReport(
            inFlight: inFlight, utilisationPermille: utilisation, medianLatencyUs: median,
            draining: flags & Self.drainingFlag != 0)
        metadata = packed.readableBytes == 0 ? Metadata() : try Metadata(unpacking: packed)
        // A code from a newer server is an unknown error, never a success.
        let status = StatusCode(rawValue: code) ?? .unknown
        guard status != .ok else { return }
        error = try RPCError(status, unpacking: details, load: load)
        error?.metadata = metadata
    }
}
