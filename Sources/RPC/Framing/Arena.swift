import CRPCMessages
import NIOCore

/// Memory for one protobuf message, given back at once. The budget bounds what a hostile message can amplify to.
struct Arena: ~Copyable {
    private let arena: UnsafeMutablePointer<rookery_arena>

    private init(_ arena: UnsafeMutablePointer<rookery_arena>) { self.arena = arena }

    deinit { rookery_arena_destroy(arena) }

    /// Lends an arena for the time of `body`; nothing that points into it may leave.
    static func with<Result, Failure: Error>(
        budget: Int = .max, _ body: (borrowing Arena) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var raw = rookery_arena()
        let result = withUnsafeMutablePointer(to: &raw) { raw in
            rookery_arena_init(raw, budget)
            let arena = Arena(raw)
            return Swift.Result<Result, Failure> { () throws(Failure) in try body(arena) }
        }
        return try result.get()
    }

    typealias Unpack<T> = (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) ->
        UnsafeMutablePointer<T>?

    /// The unpacked message, valid as long as the arena; nil when the bytes are malformed or beyond the budget.
    func unpack<T>(_ bytes: ByteBuffer, _ unpack: Unpack<T>) -> UnsafeMutablePointer<T>? {
        bytes.withUnsafeReadableBytes { raw in
            // protobuf-c wants a pointer even where there is nothing to read.
            guard let base = raw.baseAddress, raw.count > 0 else {
                return withUnsafePointer(to: 0) { unpack(allocator, 0, $0) }
            }
            return unpack(allocator, raw.count, base.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// Room for `count` values; memory that is gone ends the process, as everywhere in Swift.
    func allocate<T>(_ type: T.Type, count: Int = 1) -> UnsafeMutablePointer<T> {
        guard let raw = rookery_arena_alloc(arena, MemoryLayout<T>.stride * max(count, 1)) else {
            preconditionFailure("out of memory")
        }
        return raw.bindMemory(to: T.self, capacity: count)
    }

    func data(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        let copy = allocate(UInt8.self, count: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        return ProtobufCBinaryData(len: bytes.count, data: copy)
    }

    func data(_ text: String) -> ProtobufCBinaryData { data(Array(text.utf8)) }

    /// `message`, made by its generated functions, as bytes.
    func pack<T>(
        _ message: inout T, size: (UnsafePointer<T>?) -> Int,
        pack: (UnsafePointer<T>?, UnsafeMutablePointer<UInt8>?) -> Int
    ) -> [UInt8] {
        withUnsafePointer(to: message) { pointer in
            [UInt8](unsafeUninitializedCapacity: size(pointer)) { target, count in
                count = pack(pointer, target.baseAddress)
            }
        }
    }

    private var allocator: UnsafeMutablePointer<ProtobufCAllocator> {
        UnsafeMutableRawPointer(arena).assumingMemoryBound(to: ProtobufCAllocator.self)
    }
}

extension ProtobufCBinaryData {
    var bytes: [UInt8] { [UInt8](UnsafeBufferPointer(start: data, count: len)) }

    /// The bytes as text; malformed UTF-8 is repaired, as it is only ever shown or compared.
    var text: String { String(decoding: UnsafeBufferPointer(start: data, count: len), as: UTF8.self) }
}
