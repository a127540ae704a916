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
        matched == 4
            ? Self.wrongVersion(UInt32(byte))
            : .malformed("this is not a Rookery connection: byte \(matched) of the preface is wrong")
    }

    static func wrongVersion(_ version: UInt32) -> ProtocolViolation {
        ProtocolViolation(
            .failedPrecondition, "protocol version \(version) is not spoken here, version \(Self.version) is")
    }
}
