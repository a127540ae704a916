import NIOCore

@testable import RPC

extension FuzzTarget {
    /// The start of a RESPONSE: status, load, details and metadata; and the short way for a plain success.
    static let responseTrailer = FuzzTarget(
        name: "response-trailer", check: ResponseTrailerCheck.check, seeds: ResponseTrailerCheck.seeds)
}

private enum ResponseTrailerCheck {
    static func check(_ input: inout FuzzInput) throws {
        let bytes = input.rest()
        let payload = ByteBuffer(bytes: bytes)
        let plain = ResponseTrailer.plainSuccess(payload)
        var message = payload
        guard let trailer = try? ResponseTrailer(from: &message) else {
            return try hold(plain == nil, "a plain success is a success")
        }
        try agrees(trailer, bytes)
        try hold(message.array == Array(bytes[(16 + partBytes(bytes))...]), "the message is what follows")
        try hold(plain == (isPlain(bytes) ? trailer.load : nil), "a plain success is seen as such")
        try roundTrip(trailer)
    }

    private static func partBytes(_ bytes: [UInt8]) -> Int { little16(bytes, 2) + little16(bytes, 12) }

    private static func isPlain(_ bytes: [UInt8]) -> Bool { bytes[0] == 0 && partBytes(bytes) == 0 }

    /// docs/protocol.md, "RESPONSE".
    private static func agrees(_ trailer: ResponseTrailer, _ bytes: [UInt8]) throws {
        let code = trailer.error?.code ?? .ok
        try hold(code.rawValue == (bytes[0] <= 16 ? bytes[0] : 2), "status \(bytes[0]) is \(code)")
        let load = LoadReport(
            inFlight: UInt16(little16(bytes, 4)), utilisationPermille: UInt16(little16(bytes, 6)),
            medianLatencyUs: little32(bytes, 8), draining: bytes[1] & 1 == 1)
        try hold(trailer.load == load, "the load")
        try hold(trailer.error.map { $0.load == load } ?? true, "the load that an error carries")
        try hold(trailer.error.map { $0.metadata == trailer.metadata } ?? true, "the metadata that an error carries")
    }

    private static func roundTrip(_ trailer: ResponseTrailer) throws {
        let (details, metadata) = (trailer.error?.packed() ?? [], trailer.metadata.packed())
        // Text that was repaired may have grown: beyond the length fields, or beyond what a message is cut to.
        guard max(details.count, metadata.count) <= Int(UInt16.max),
            (trailer.error?.message.utf8.count ?? 0) <= RPCError.maxMessageBytes
        else { return }
        var buffer = ByteBuffer()
        trailer.write(packedDetails: details, packedMetadata: metadata, into: &buffer)
        if trailer.error == nil, metadata.isEmpty { try sameInPlace(trailer.load, buffer) }
        let again = try ResponseTrailer(from: &buffer)
        try hold(again == trailer && buffer.readableBytes == 0, "a trailer that is written again is the same")
    }

    private static func sameInPlace(_ load: LoadReport, _ trailer: ByteBuffer) throws {
        var buffer = ByteBuffer(repeating: 0xEE, count: ResponseTrailer.byteCount)
        buffer.withUnsafeMutableReadableBytes { ResponseTrailer.store(load, in: $0) }
        try hold(buffer == trailer, "a trailer that is written in place is the same")
    }

    static func seeds() throws -> [[UInt8]] {
        try GoldenFrames.read().filter { $0.name.hasPrefix("response") }.map(\.payload)
    }
}
