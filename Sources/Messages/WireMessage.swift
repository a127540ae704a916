import CMessages

/// A message that crosses the wire or is stored: a plain Swift value with the fields of its proto, backed by the C
/// struct that protoc-c generates for it (Protos/, docs/protocol.md).
public protocol WireMessage: Sendable, Equatable {
    /// Every field at its zero.
    init()

    /// Reads one message from exactly these bytes.
    static func decode(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> Self

    /// The proto3 encoding.
    func encode() -> [UInt8]

    /// protobuf-c's `ProtobufCMessageDescriptor` of this message, a constant of the program: for reflection.
    static var descriptor: UnsafeRawPointer { get }
}

extension WireMessage {
    /// Reads one message from exactly these bytes.
    public static func decode(_ bytes: [UInt8]) throws(DecodingFailure) -> Self {
        let result = bytes.withUnsafeBytes { buffer in
            Result<Self, DecodingFailure> { () throws(DecodingFailure) in try decode(buffer) }
        }
        return try result.get()
    }

    /// A value made by setting fields on an empty message.
    public static func with(_ set: (inout Self) throws -> Void) rethrows -> Self {
        var message = Self()
        try set(&message)
        return message
    }
}

/// Why bytes are not the message they should be.
public enum DecodingFailure: Error, Equatable, CustomStringConvertible {
    /// The bytes are no encoding of this message.
    case malformed(message: String)
    /// Unpacking would need more memory than the bytes justify.
    case tooLarge(message: String)
    /// A text field does not hold UTF-8.
    case invalidUTF8(field: String)
    /// An enumeration's number that this version does not know.
    case unknownValue(field: String)

    public var description: String {
        switch self {
        case .malformed(let message): "malformed \(message)"
        case .tooLarge(let message): "\(message) needs more memory than its size allows"
        case .invalidUTF8(let field): "\(field) is not valid UTF-8"
        case .unknownValue(let field): "\(field) has a value that this version does not know"
        }
    }
}

/// What the generator adds to each message: the way to its C struct and back.
protocol CBacked: WireMessage {
    associatedtype Raw

    static func unpack(
        _ allocator: UnsafeMutablePointer<ProtobufCAllocator>, _ count: Int, _ data: UnsafePointer<UInt8>?
    ) -> UnsafeMutablePointer<Raw>?

    init(copying raw: UnsafePointer<Raw>) throws(DecodingFailure)

    /// Initialises `raw` and sets its fields; what they point to lives in the arena.
    func fill(_ raw: UnsafeMutablePointer<Raw>, _ arena: Arena)
}
