import CMessages

/// An `Echo` message as it lies in an arena: looked at and written without a Swift value in between, for handlers that
/// answer in place.
public struct EchoView {
    /// Valid as long as the bytes that were unpacked.
    public let payload: UnsafeRawBufferPointer

    /// Unpacks one message into `scratch`, shows it to `body`, and takes the memory back.
    public static func read<Result>(
        _ bytes: UnsafeRawBufferPointer, in scratch: Scratch, _ body: (EchoView) -> Result
    ) throws(DecodingFailure) -> Result {
        scratch.reset(budget: 1024 + bytes.count * 2)
        let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard let raw = rookery__echo__unpack(scratch.allocator, bytes.count, data) else {
            throw .malformed(message: "Echo")
        }
        return body(
            EchoView(payload: UnsafeRawBufferPointer(start: raw.pointee.payload.data, count: raw.pointee.payload.len)))
    }

    /// Bytes of an `Echo` with this payload.
    public static func packedSize(_ payload: UnsafeRawBufferPointer) -> Int {
        var raw = message(payload)
        return rookery__echo__get_packed_size(&raw)
    }

    /// Writes an `Echo` with this payload; `target` has room for `packedSize`.
    public static func pack(_ payload: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int {
        var raw = message(payload)
        return rookery__echo__pack(&raw, target.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }

    private static func message(_ payload: UnsafeRawBufferPointer) -> Rookery__Echo {
        var raw = Rookery__Echo()
        rookery__echo__init(&raw)
        raw.payload = ProtobufCBinaryData(
            len: payload.count,
            data: UnsafeMutablePointer(mutating: payload.baseAddress?.assumingMemoryBound(to: UInt8.self)))
        return raw
    }
}

/// An arena that is used again for each message, so that unpacking asks the system for nothing.
///
/// Not `Sendable`: one thread uses it, for one message at a time.
public final class Scratch {
    private let raw: UnsafeMutablePointer<rookery_arena>

    public init() {
        raw = .allocate(capacity: 1)
        rookery_arena_init(raw, 0)
    }

    deinit {
        rookery_arena_destroy(raw)
        raw.deallocate()
    }

    func reset(budget: Int) { rookery_arena_reset(raw, budget) }

    var allocator: UnsafeMutablePointer<ProtobufCAllocator> {
        UnsafeMutableRawPointer(raw).assumingMemoryBound(to: ProtobufCAllocator.self)
    }
}
