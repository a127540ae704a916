import CMessages

/// The memory of one message while it is packed or unpacked: a bump allocator (Sources/CProtobufC/shim.h) that
/// is released at once. One thread uses it, for the length of one call.
final class Arena {
    private let raw: UnsafeMutablePointer<rookery_arena>

    /// - Parameter budget: bytes that may be handed out.
    init(budget: Int) {
        raw = .allocate(capacity: 1)
        rookery_arena_init(raw, budget)
    }

    deinit {
        rookery_arena_destroy(raw)
        raw.deallocate()
    }

    /// protobuf-c turns a two-byte submessage into a struct of some hundred bytes; this factor leaves room for honest
    /// messages and stops the others.
    private static func budget(for bytes: Int) -> Int { 16 * 1024 + bytes * 64 }

    static func decode<M: CBacked>(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> M {
        let arena = Arena(budget: budget(for: bytes.count))
        let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let allocator = UnsafeMutableRawPointer(arena.raw).assumingMemoryBound(to: ProtobufCAllocator.self)
        guard let unpacked = M.unpack(allocator, bytes.count, data) else {
            let name = String(describing: M.self)
            throw arena.raw.pointee.exhausted ? .tooLarge(message: name) : .malformed(message: name)
        }
        return try M(copying: unpacked)
    }

    static func encode<M: CBacked>(_ message: M) -> [UInt8] {
        let arena = Arena(budget: .max)
        let raw = arena.struct(of: M.self)
        message.fill(raw, arena)
        // Every generated struct begins with its ProtobufCMessage.
        let base = UnsafeRawPointer(raw).assumingMemoryBound(to: ProtobufCMessage.self)
        let size = protobuf_c_message_get_packed_size(base)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = size == 0 ? 0 : protobuf_c_message_pack(base, buffer.baseAddress)
        }
    }

    static func descriptor<M: CBacked>(of type: M.Type) -> UnsafeRawPointer {
        let arena = Arena(budget: .max)
        let raw = arena.struct(of: M.self)
        M().fill(raw, arena)
        // A message's generated `init` points its base at the descriptor.
        let base = UnsafeRawPointer(raw).assumingMemoryBound(to: ProtobufCMessage.self)
        return UnsafeRawPointer(base.pointee.descriptor)
    }

    private func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = rookery_arena_alloc(raw, max(1, count) * MemoryLayout<T>.stride) else {
            preconditionFailure("out of memory while packing a message")
        }
        return memory.bindMemory(to: T.self, capacity: max(1, count))
    }

    private func `struct`<M: CBacked>(of type: M.Type) -> UnsafeMutablePointer<M.Raw> {
        allocate(M.Raw.self, count: 1)
    }

    // MARK: What the generated `fill` calls

    func bytes(_ value: [UInt8]) -> ProtobufCBinaryData {
        let copy = allocate(UInt8.self, count: value.count)
        copy.initialize(from: value, count: value.count)
        return ProtobufCBinaryData(len: value.count, data: copy)
    }

    func text(_ value: String) -> ProtobufCBinaryData {
        var value = value
        return value.withUTF8 { utf8 in
            let copy = allocate(UInt8.self, count: utf8.count)
            if let base = utf8.baseAddress { copy.initialize(from: base, count: utf8.count) }
            return ProtobufCBinaryData(len: utf8.count, data: copy)
        }
    }

    func message<M: CBacked>(_ value: M?) -> UnsafeMutablePointer<M.Raw>? {
        guard let value else { return nil }
        let raw = `struct`(of: M.self)
        value.fill(raw, self)
        return raw
    }

    func bytes(_ values: [[UInt8]]) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
        array(values) { bytes($0) }
    }

    func texts(_ values: [String]) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
        array(values) { text($0) }
    }

    func messages<M: CBacked>(
        _ values: [M]
    ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<M.Raw>?>?) {
        array(values) { message($0) }
    }

    func scalars<T>(_ values: [T]) -> (Int, UnsafeMutablePointer<T>?) {
        array(values) { $0 }
    }

    private func array<Value, C>(_ values: [Value], _ convert: (Value) -> C) -> (Int, UnsafeMutablePointer<C>?) {
        guard !values.isEmpty else { return (0, nil) }
        let array = allocate(C.self, count: values.count)
        for (index, value) in values.enumerated() { (array + index).initialize(to: convert(value)) }
        return (values.count, array)
    }
}
