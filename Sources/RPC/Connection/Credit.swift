import NIOCore

/// Flow control by bytes of MESSAGE frames (docs/protocol.md, "Credit").
enum Credit {
    /// No honest side gives more than this at once or in sum.
    static let most = Int(Int32.max)

    /// What a MESSAGE costs: the whole of it, as one of no bytes takes memory, too.
    static func cost(of frame: Frame) -> Int { FrameHeader.byteCount + frame.payload.readableBytes }

    static func read(_ frame: Frame) throws(ProtocolViolation) -> Int {
        var payload = frame.payload
        guard let bytes = payload.readInteger(endianness: .little, as: UInt32.self), payload.readableBytes == 0 else {
            throw .malformed("a CREDIT whose payload is not 4 bytes")
        }
        return Int(bytes)
    }

    static func add(_ bytes: Int, to credit: inout Int) throws(ProtocolViolation) {
        credit += bytes
        guard credit <= most else { throw .malformed("credit beyond \(most) bytes") }
    }

    static func write(_ bytes: Int, stream: UInt32, into output: inout ByteBuffer) {
        FrameEncoder.write(.credit, stream: stream, into: &output) {
            $0.writeInteger(UInt32(clamping: bytes), endianness: .little)
            return []
        }
    }
}

/// The receiver's account of what the other side may still send, and of what was used up and not yet given back.
struct ReceiveWindow {
    private let size: Int
    private let isShared: Bool
    /// What the other side may still send; one message may take it below zero.
    private(set) var left: Int
    private var owed = 0

    /// - Parameter isShared: by several readers.
    init(size: Int, isShared: Bool = false) {
        self.size = size
        self.isShared = isShared
        left = size
    }

    /// A message arrived; false when it was sent without credit.
    mutating func received(_ bytes: Int) -> Bool {
        guard left > 0 else { return false }
        left -= bytes
        return true
    }

    /// A message was used up. Returns the credit to give back.
    mutating func consumed(_ bytes: Int) -> Int? {
        owed += bytes
        return takeDue()
    }

    /// The credit to give back; nil while it is less than half of the window. Where it is shared, that may be too late, as
    /// a slow reader may hold the other half and more: nil while the other side may still send more than is owed.
    mutating func takeDue() -> Int? {
        guard owed > 0, isShared ? owed >= left : owed * 2 >= size else { return nil }
        defer { owed = 0 }
        left += owed
        return owed
    }
}
