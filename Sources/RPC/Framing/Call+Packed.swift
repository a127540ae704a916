import CRPCMessages
import NIOCore

/// What one call's metadata or details, at most 64 KiB packed, may unpack to.
private let callBudget = 256 << 10

extension Metadata {
    /// Empty when there is nothing to say.
    func packed() -> [UInt8] {
        guard !isEmpty else { return [] }
        return Arena.with { arena in
            var message = Rookery__Rpc__Metadata()
            rookery__rpc__metadata__init(&message)
            message.n_entries = entries.count
            message.entries = Self.packed(entries, in: arena)
            message.trace_parent = arena.data(traceParent)
            return arena.pack(
                &message, size: rookery__rpc__metadata__get_packed_size, pack: rookery__rpc__metadata__pack)
        }
    }

    private static func packed(
        _ entries: [Entry], in arena: borrowing Arena
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Rookery__Rpc__MetadataEntry>?> {
        let pointers = arena.allocate(UnsafeMutablePointer<Rookery__Rpc__MetadataEntry>?.self, count: entries.count)
        for (index, entry) in entries.enumerated() {
            let packed = arena.allocate(Rookery__Rpc__MetadataEntry.self)
            rookery__rpc__metadata_entry__init(packed)
            packed.pointee.key = arena.data(entry.key)
            packed.pointee.value = arena.data(entry.value)
            (pointers + index).initialize(to: packed)
        }
        return pointers
    }

    init(unpacking bytes: ByteBuffer) throws(ProtocolViolation) {
        self = try Arena.with(budget: callBudget) { arena throws(ProtocolViolation) in
            guard let message = arena.unpack(bytes, rookery__rpc__metadata__unpack)?.pointee,
                message.n_entries <= Self.maxEntries
            else { throw .malformed("a call's metadata cannot be read") }
            let entries = UnsafeBufferPointer(start: message.entries, count: message.n_entries).compactMap {
                $0.map { Entry(key: $0.pointee.key.text, value: $0.pointee.value.bytes) }
            }
            return Metadata(entries: entries, traceParent: message.trace_parent.text)
        }
    }
}

extension RPCError {
    /// Longer messages are cut, longer details are an internal error: both must fit the trailer's length field.
    static let maxMessageBytes = 4096
    static let maxDetailBytes = 48 << 10

    /// Everything but the code and the load, which have their own places in the trailer.
    func packed() -> [UInt8] {
        Arena.with { arena in
            var packed = Rookery__Rpc__StatusDetails()
            rookery__rpc__status_details__init(&packed)
            packed.message = arena.data(message.utf8(atMost: Self.maxMessageBytes))
            packed.ran = UInt32(ran.rawValue)
            packed.retryable = retryable ? 1 : 0
            packed.retry_after_ms = retryAfterMs
            packed.details = arena.data(details)
            return arena.pack(
                &packed, size: rookery__rpc__status_details__get_packed_size,
                pack: rookery__rpc__status_details__pack)
        }
    }

    init(_ code: StatusCode, unpacking bytes: ByteBuffer, load: LoadReport) throws(ProtocolViolation) {
        self = try Arena.with(budget: callBudget) { arena throws(ProtocolViolation) in
            guard let packed = arena.unpack(bytes, rookery__rpc__status_details__unpack)?.pointee else {
                throw .malformed("a call's status cannot be read")
            }
            return RPCError(
                code, packed.message.text,
                ran: UInt8(exactly: packed.ran).flatMap(Ran.init(rawValue:)) ?? .unknown,
                retryable: packed.retryable != 0, retryAfterMs: packed.retry_after_ms,
                details: packed.details.bytes, load: load)
        }
    }
}

extension String {
    /// So many bytes of it, less those of a character that would be cut.
    func utf8(atMost count: Int) -> [UInt8] {
        let bytes = utf8.prefix(count + 1)
        guard bytes.count > count else { return Array(bytes) }
        // The first byte that is left out must begin a character.
        return Array(bytes[..<(bytes.lastIndex { $0 & 0xC0 != 0x80 } ?? bytes.startIndex)])
    }
}

extension GoAway {
    func packed() -> [UInt8] {
        Arena.with { arena in
            var message = Rookery__Rpc__GoAway()
            rookery__rpc__go_away__init(&message)
            message.last_stream = lastStream
            message.reason = arena.data(reason)
            return arena.pack(
                &message, size: rookery__rpc__go_away__get_packed_size, pack: rookery__rpc__go_away__pack)
        }
    }

    init(unpacking bytes: ByteBuffer) throws(ProtocolViolation) {
        self = try Arena.with(budget: callBudget) { arena throws(ProtocolViolation) in
            guard let message = arena.unpack(bytes, rookery__rpc__go_away__unpack)?.pointee else {
                throw .malformed("GOAWAY cannot be read")
            }
            return GoAway(lastStream: message.last_stream, reason: message.reason.text)
        }
    }
}

extension Close {
    func packed() -> [UInt8] {
        Arena.with { arena in
            var message = Rookery__Rpc__Close()
            rookery__rpc__close__init(&message)
            message.code = UInt32(code.rawValue)
            message.reason = arena.data(reason)
            return arena.pack(&message, size: rookery__rpc__close__get_packed_size, pack: rookery__rpc__close__pack)
        }
    }

    init(unpacking bytes: ByteBuffer) throws(ProtocolViolation) {
        self = try Arena.with(budget: callBudget) { arena throws(ProtocolViolation) in
            guard let message = arena.unpack(bytes, rookery__rpc__close__unpack)?.pointee else {
                throw .malformed("CLOSE cannot be read")
            }
            let code = UInt8(exactly: message.code).flatMap(StatusCode.init(rawValue:)) ?? .unknown
            return Close(code: code, reason: message.reason.text)
        }
    }
}
