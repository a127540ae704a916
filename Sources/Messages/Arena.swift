import CMessages

/// The memory of one message while it is packed or unpacked: a bump allocator (Sources/CProtobufC/shim.h) that
/// is released at once. It lives as long as the call that lends it. A small message needs no more than the stack has.
struct Arena {
    private let raw: UnsafeMutablePointer<rookery_arena>

    /// What Swift takes from the stack at most.
    private static let lentBytes = 1024
    private static let headerBytes = (MemoryLayout<rookery_arena>.size + 15) & ~15

    /// Lends an arena for the time of `body`; nothing that points into it may leave.
    /// - Parameter budget: bytes that may be handed out.
    private static func with<Result>(budget: Int, _ body: (Arena) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: lentBytes, alignment: 16) { memory in
            guard let base = memory.baseAddress else { preconditionFailure("memory of some bytes has an address") }
            let raw = base.bindMemory(to: rookery_arena.self, capacity: 1)
            rookery_arena_init(raw, budget)
            rookery_arena_lend(raw, base + headerBytes, lentBytes - headerBytes)
            defer { rookery_arena_destroy(raw) }
            return body(Arena(raw: raw))
        }
    }

    /// protobuf-c turns a two-byte submessage into a struct of some hundred bytes; this factor leaves room for honest
    /// messages and stops the others.
    private static func budget(for bytes: Int) -> Int { 16 * 1024 + bytes * 64 }

    static func decode<M: CBacked>(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> M {
        let result = with(budget: budget(for: bytes.count)) { arena in
            Result<M, DecodingFailure> { () throws(DecodingFailure) in try arena.decode(bytes) }
        }
        return try result.get()
    }

    private func decode<M: CBacked>(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> M {
        let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let allocator = UnsafeMutableRawPointer(raw).assumingMemoryBound(to: ProtobufCAllocator.self)
        guard let unpacked = M.unpack(allocator, bytes.count, data) else {
            let name = String(describing: M.self)
            throw raw.pointee.exhausted ? .tooLarge(message: name) : .malformed(message: name)
        }
        return try M(copying: unpacked)
    }

    static func encode<M: CBacked>(_ message: M) -> [UInt8] {
        with(budget: .max) { arena in
            let base = arena.filled(message)
            let size = protobuf_c_message_get_packed_size(base)
            return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = size == 0 ? 0 : protobuf_c_message_pack(base, buffer.baseAddress)
            }
        }
    }

    /// A message's generated `init` points its base at the descriptor, which is a constant of the program.
    static func descriptor<M: CBacked>(of type: M.Type) -> UnsafeRawPointer {
        with(budget: .max) { UnsafeRawPointer($0.filled(M()).pointee.descriptor) }
    }

    /// Every generated struct begins with its `ProtobufCMessage`.
    private func filled<M: CBacked>(_ message: M) -> UnsafePointer<ProtobufCMessage> {
        let raw = `struct`(of: M.self)
        message.fill(raw, self)
        return UnsafeRawPointer(raw).assumingMemoryBound(to: ProtobufCMessage.self)
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
