import NIOCore

/// Kinds of frames; docs/protocol.md has a row for each.
enum FrameKind: UInt8, CaseIterable {
    case hello = 1
    case welcome = 2
    case proof = 3
    case request = 4
    case message = 5
    case response = 6
    case cancel = 7
    case ping = 8
    case pong = 9
    case credit = 10
    case goAway = 11
    case close = 12
    case end = 13
    case metadata = 14
}

struct FrameFlags: OptionSet {
    var rawValue: UInt8

    /// The sender says nothing more on this stream.
    static let endStream = FrameFlags(rawValue: 1)
    /// The message part is a u32 size and an LZ4 block.
    static let compressed = FrameFlags(rawValue: 2)

    static let known: FrameFlags = [.endStream, .compressed]
}

/// One frame with its checked payload.
struct Frame: Equatable {
    var kind: FrameKind
    var flags: FrameFlags = []
    var stream: UInt32 = 0
    var payload = ByteBuffer()
}

/// The first 20 bytes of a frame (docs/protocol.md, "Frames").
struct FrameHeader: Equatable {
    static let byteCount = 20
    /// What the header's own checksum covers.
    static let checkedByteCount = 16

    var payloadBytes: Int
    var kind: FrameKind
    var flags: FrameFlags
    var stream: UInt32
    var payloadChecksum: UInt32
}
