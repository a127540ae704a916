@testable import RPC

/// Frames read in the plainest way, from docs/protocol.md alone: what ``FrameDecoder`` is held against.
struct PlainFrames {
    struct Frame: Equatable {
        var kind: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]
    }

    enum End: Equatable {
        /// More bytes are needed; so many have no frame yet.
        case waiting(leftover: Int)
        case refused(StatusCode)
    }

    private(set) var frames: [Frame] = []
    private(set) var end = End.waiting(leftover: 0)
    /// What the frames took.
    private(set) var consumed = 0

    init(_ bytes: [UInt8], limit: Int) {
        while bytes.count - consumed >= 20 {
            let header = Array(bytes[consumed..<consumed + 20])
            if let code = Self.refusal(of: header, limit: limit) {
                end = .refused(code)
                return
            }
            let length = Int(little32(header, 0))
            guard bytes.count - consumed - 20 >= length else { break }
            let payload = Array(bytes[consumed + 20..<consumed + 20 + length])
            guard checksum(payload) == little32(header, 12) else {
                end = .refused(.dataLoss)
                return
            }
            frames.append(Frame(kind: header[4], flags: header[5], stream: little32(header, 8), payload: payload))
            consumed += 20 + length
        }
        end = .waiting(leftover: bytes.count - consumed)
    }

    /// In the page's order: checksum, kind, flags and zero, length.
    private static func refusal(of header: [UInt8], limit: Int) -> StatusCode? {
        if checksum(Array(header[..<16])) != little32(header, 16) { return .dataLoss }
        if !(1...14).contains(header[4]) || header[5] > 3 || header[6] != 0 || header[7] != 0 {
            return .invalidArgument
        }
        return little32(header, 0) > limit ? .resourceExhausted : nil
    }

    /// The same bytes with checksums that hold, as far as headers can be followed: else hardly any input would get
    /// past the first.
    static func mended(_ bytes: [UInt8]) -> [UInt8] {
        var (bytes, offset) = (bytes, 0)
        while bytes.count - offset >= 20 {
            let length = Int(little32(bytes, offset))
            let isWhole = bytes.count - offset - 20 >= length
            if isWhole { put(checksum(Array(bytes[offset + 20..<offset + 20 + length])), at: offset + 12, &bytes) }
            put(checksum(Array(bytes[offset..<offset + 16])), at: offset + 16, &bytes)
            guard isWhole else { break }
            offset += 20 + length
        }
        return bytes
    }

    private static func put(_ number: UInt32, at offset: Int, _ bytes: inout [UInt8]) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt32(index))) }
    }
}

func little16(_ bytes: [UInt8], _ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }

func little32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
}

func little64(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
}

private func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes(wireChecksum) }
