import CRPCMessages
import NIOCore

/// What the largest handshake message may unpack to; a table of 4,096 methods fits.
private let handshakeBudget = 1 << 20

extension Limits {
    fileprivate func packed(in arena: borrowing Arena) -> UnsafeMutablePointer<Rookery__Rpc__Limits> {
        let limits = arena.allocate(Rookery__Rpc__Limits.self)
        rookery__rpc__limits__init(limits)
        limits.pointee.max_frame_bytes = UInt32(clamping: maxFrameBytes)
        limits.pointee.max_message_bytes = UInt32(clamping: maxMessageBytes)
        limits.pointee.max_concurrent_streams = UInt32(clamping: maxConcurrentStreams)
        limits.pointee.stream_credit_bytes = UInt32(clamping: streamCreditBytes)
        limits.pointee.connection_credit_bytes = UInt32(clamping: connectionCreditBytes)
        return limits
    }

    fileprivate init(_ packed: UnsafeMutablePointer<Rookery__Rpc__Limits>?) throws(ProtocolViolation) {
        guard let limits = packed?.pointee else { throw .malformed("a handshake without limits") }
        self.init(
            maxFrameBytes: Int(limits.max_frame_bytes), maxMessageBytes: Int(limits.max_message_bytes),
            maxConcurrentStreams: Int(limits.max_concurrent_streams),
            streamCreditBytes: Int(limits.stream_credit_bytes),
            connectionCreditBytes: Int(limits.connection_credit_bytes))
    }
}

extension Hello {
    func packed() -> [UInt8] {
        Arena.with { arena in
            var message = Rookery__Rpc__Hello()
            rookery__rpc__hello__init(&message)
            message.protocol_version = protocolVersion
            message.cluster_id = arena.data(clusterId)
            message.role = Rookery__Rpc__Role(UInt32(role))
            message.nonce = arena.data(nonce)
            message.node_id = arena.data(nodeId)
            message.limits = limits.packed(in: arena)
            message.features = features.rawValue
            return arena.pack(&message, size: rookery__rpc__hello__get_packed_size, pack: rookery__rpc__hello__pack)
        }
    }

    init(unpacking bytes: ByteBuffer) throws(ProtocolViolation) {
        self = try Arena.with(budget: handshakeBudget) { arena throws(ProtocolViolation) in
            guard let message = arena.unpack(bytes, rookery__rpc__hello__unpack)?.pointee else {
                throw .malformed("HELLO cannot be read")
            }
            return Hello(
                protocolVersion: message.protocol_version, clusterId: message.cluster_id.text,
                role: UInt8(exactly: message.role.rawValue) ?? 0, nonce: message.nonce.bytes,
                nodeId: message.node_id.text, limits: try Limits(message.limits),
                features: Features(rawValue: message.features))
        }
    }
}

extension Welcome {
    func packed() -> [UInt8] {
        Arena.with { arena in
            var message = Rookery__Rpc__Welcome()
            rookery__rpc__welcome__init(&message)
            message.protocol_version = protocolVersion
            message.cluster_id = arena.data(clusterId)
            message.node_id = arena.data(nodeId)
            message.nonce = arena.data(nonce)
            message.proof = arena.data(proof)
            message.limits = limits.packed(in: arena)
            message.features = features.rawValue
            message.n_methods = methods.count
            message.methods = Self.packed(methods, in: arena)
            return arena.pack(
                &message, size: rookery__rpc__welcome__get_packed_size, pack: rookery__rpc__welcome__pack)
        }
    }

    private static func packed(
        _ methods: [MethodEntry], in arena: borrowing Arena
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Rookery__Rpc__MethodEntry>?> {
        let entries = arena.allocate(UnsafeMutablePointer<Rookery__Rpc__MethodEntry>?.self, count: methods.count)
        for (index, method) in methods.enumerated() {
            let entry = arena.allocate(Rookery__Rpc__MethodEntry.self)
            rookery__rpc__method_entry__init(entry)
            entry.pointee.number = UInt32(method.number)
            entry.pointee.name = arena.data(method.name)
            entry.pointee.kind = UInt32(method.kind.rawValue)
            (entries + index).initialize(to: entry)
        }
        return entries
    }

    init(unpacking bytes: ByteBuffer) throws(ProtocolViolation) {
        self = try Arena.with(budget: handshakeBudget) { arena throws(ProtocolViolation) in
            guard let message = arena.unpack(bytes, rookery__rpc__welcome__unpack)?.pointee else {
                throw .malformed("WELCOME cannot be read")
            }
            return Welcome(
                protocolVersion: message.protocol_version, clusterId: message.cluster_id.text,
                nodeId: message.node_id.text, nonce: message.nonce.bytes, proof: message.proof.bytes,
                limits: try Limits(message.limits), features: Features(rawValue: message.features),
                methods: Self.methods(message))
        }
    }

    /// Kinds from a newer server are left out: this side could not call them.
    private static func methods(_ message: Rookery__Rpc__Welcome) -> [MethodEntry] {
        UnsafeBufferPointer(start: message.methods, count: message.n_methods).compactMap { entry in
            guard let entry = entry?.pointee, let number = UInt16(exactly: entry.number),
                let kind = UInt8(exactly: entry.kind).flatMap(MethodKind.init(rawValue:))
            else { return nil }
            return MethodEntry(number: number, name: entry.name.text, kind: kind)
        }
    }
}

extension Proof {
    func packed() -> [UInt8] {
        Arena.with { arena in
            var message = Rookery__Rpc__Proof()
            rookery__rpc__proof__init(&message)
            message.mac = arena.data(mac)
            return arena.pack(&message, size: rookery__rpc__proof__get_packed_size, pack: rookery__rpc__proof__pack)
        }
    }

    init(unpacking bytes: ByteBuffer) throws(ProtocolViolation) {
        self = try Arena.with(budget: handshakeBudget) { arena throws(ProtocolViolation) in
            guard let message = arena.unpack(bytes, rookery__rpc__proof__unpack)?.pointee else {
                throw .malformed("PROOF cannot be read")
            }
            return Proof(mac: message.mac.bytes)
        }
    }
}
