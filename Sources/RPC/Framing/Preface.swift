import NIOCore

/// The 8 bytes before a connection's first frame: "RKRY", the version, three zeroes.
struct Preface {
    static let version: UInt8 = 1
    static let bytes: [UInt8] = [0x52, 0x4B, 0x52, 0x59, version, 0, 0, 0]

    private var matched = 0

    var isComplete: Bool { matched == Self.bytes.count }

    /// Takes what belongs to the preface; refuses at the first byte that differs, so that garbage does not linger.
    mutating func consume(_ buffer: inout ByteBuffer) throws(ProtocolViolation) -> Bool {
        while !isComplete, let byte = buffer.readInteger(as: UInt8.self) {
            guard byte == Self.bytes[matched] else { throw mismatch(byte) }
            matched += 1
        }
        return isComplete
    }

    private func mismatch(_ byte: UInt8) -> ProtocolViolation {
        if matched == 0, byte == Self.tlsHandshakeRecord {
            return .malformed("this is TLS, which is not spoken here")
        }
        return matched == 4
            ? Self.wrongVersion(UInt32(byte))
            : .malformed("this is not a Rookery connection: byte \(matched) of the preface is wrong")
    }

    /// What a TLS connection begins with (RFC 8446, §5.1).
    private static let tlsHandshakeRecord: UInt8 = 22

    static func wrongVersion(_ version: UInt32) -> ProtocolViolation {
        ProtocolViolation(
            .failedPrecondition, "protocol version \(version) is not spoken here, version \(Self.version) is")
    }
}
