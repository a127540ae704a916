import CRPCMessages
import NIOCore

/// A message of Protos/services.proto as a plain Swift value: the way to its C struct and back.
protocol CMessage: Sendable {
    associatedtype Raw

    /// The generated `init`: every field at its zero.
    static func prepare(_ raw: UnsafeMutablePointer<Raw>)

    init(copying raw: Raw)

    /// Sets the fields of a prepared struct; what they point to lives in the arena.
    func fill(_ raw: inout Raw, _ arena: borrowing Arena)
}

/// Questions are short; answers hold at most a page. The factor is what protobuf-c makes of honest bytes, and leaves
/// room: a two-byte submessage becomes a struct.
private func budget(for bytes: Int) -> Int { 16 * 1024 + bytes * 64 }

extension CMessage {
    static var descriptor: MessageDescriptor {
        Arena.with { arena in
            MessageDescriptor(UnsafeRawPointer(base(arena.prepared(Self.self)).pointee.descriptor))
        }
    }

    func packed() -> [UInt8] {
        Arena.with { arena in
            let base = Self.base(arena.message(self))
            return [UInt8](unsafeUninitializedCapacity: protobuf_c_message_get_packed_size(base)) { target, count in
                count = target.count == 0 ? 0 : protobuf_c_message_pack(base, target.baseAddress)
            }
        }
    }

    /// - Parameter code: of the error, when the bytes are no such message.
    init(unpacking bytes: [UInt8], orElse code: StatusCode) throws(RPCError) {
        self = try Arena.with(budget: budget(for: bytes.count)) { arena throws(RPCError) in
            let descriptor = Self.base(arena.prepared(Self.self)).pointee.descriptor
            let unpacked: UnsafeMutablePointer<Raw>? = arena.unpack(ByteBuffer(bytes: bytes)) {
                UnsafeMutableRawPointer(protobuf_c_message_unpack(descriptor, $0, $1, $2))?
                    .assumingMemoryBound(to: Raw.self)
            }
            guard let unpacked else { throw RPCError(code, "the message is no \(Self.descriptor.name)") }
            return Self(copying: unpacked.pointee)
        }
    }

    /// Every generated struct begins with its `ProtobufCMessage`.
    private static func base(_ raw: UnsafeMutablePointer<Raw>) -> UnsafePointer<ProtobufCMessage> {
        UnsafeRawPointer(raw).assumingMemoryBound(to: ProtobufCMessage.self)
    }

    static func copies(_ count: Int, _ raw: UnsafeMutablePointer<UnsafeMutablePointer<Raw>?>?) -> [Self] {
        UnsafeBufferPointer(start: raw, count: count).compactMap { pointer in
            pointer.map { Self(copying: $0.pointee) }
        }
    }
}

extension Arena {
    func prepared<M: CMessage>(_ type: M.Type) -> UnsafeMutablePointer<M.Raw> {
        let raw = allocate(M.Raw.self)
        M.prepare(raw)
        return raw
    }

    func message<M: CMessage>(_ value: M) -> UnsafeMutablePointer<M.Raw> {
        let raw = prepared(M.self)
        value.fill(&raw.pointee, self)
        return raw
    }

    func messages<M: CMessage>(_ values: [M]) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<M.Raw>?>?) {
        let pointers = allocate(UnsafeMutablePointer<M.Raw>?.self, count: values.count)
        for (index, value) in values.enumerated() { (pointers + index).initialize(to: message(value)) }
        return (values.count, pointers)
    }
}
