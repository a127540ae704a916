import CRPCMessages
import NIOCore

@testable import RPC

extension FuzzTarget {
    /// The RPC layer's own messages, those inside others too; the first byte says which.
    static let rpcMessages = FuzzTarget(
        name: "messages-rpc", check: RPCMessageCheck.check, seeds: RPCMessageCheck.seeds)
}

enum RPCMessageCheck {
    /// A message of Protos/rpc.proto: unpacked under a budget, and, if the product reads it by itself, round and round.
    struct Reading: Sendable {
        let unpacks: @Sendable (UnsafeMutablePointer<ProtobufCAllocator>, Int, UnsafePointer<UInt8>?) -> Bool
        var roundTrip: @Sendable (ByteBuffer) throws -> Void = { _ in }
    }

    /// `MessageList.rpc` has the names from the proto, and each must be here.
    static let readings: [String: Reading] = [
        "Limits": Reading(unpacks: { rookery__rpc__limits__unpack($0, $1, $2) != nil }),
        "MethodEntry": Reading(unpacks: { rookery__rpc__method_entry__unpack($0, $1, $2) != nil }),
        "MetadataEntry": Reading(unpacks: { rookery__rpc__metadata_entry__unpack($0, $1, $2) != nil }),
        "Hello": Reading(unpacks: { rookery__rpc__hello__unpack($0, $1, $2) != nil }) {
            try same($0, Hello.init(unpacking:)) { $0.packed() }
        },
        "Welcome": Reading(unpacks: { rookery__rpc__welcome__unpack($0, $1, $2) != nil }) {
            try same($0, Welcome.init(unpacking:)) { $0.packed() }
        },
        "Proof": Reading(unpacks: { rookery__rpc__proof__unpack($0, $1, $2) != nil }) {
            try same($0, Proof.init(unpacking:)) { $0.packed() }
        },
        "Metadata": Reading(unpacks: { rookery__rpc__metadata__unpack($0, $1, $2) != nil }) {
            try same($0, Metadata.init(unpacking:)) { $0.packed() }
        },
        "StatusDetails": Reading(unpacks: { rookery__rpc__status_details__unpack($0, $1, $2) != nil }) {
            try same($0, status) { $0.packed() }
        },
        "GoAway": Reading(unpacks: { rookery__rpc__go_away__unpack($0, $1, $2) != nil }) {
            try same($0, GoAway.init(unpacking:)) { $0.packed() }
        },
        "Close": Reading(unpacks: { rookery__rpc__close__unpack($0, $1, $2) != nil }) {
            try same($0, Close.init(unpacking:)) { $0.packed() }
        },
    ]

    static func check(_ input: inout FuzzInput) throws {
        let name = MessageList.rpc[MessageCheck.choice(input.byte(), of: MessageList.rpc.count)]
        let budget = Int(input.byte()) * 61
        let bytes = input.rest()
        guard let reading = readings[name] else { throw Broken("nothing reads \(name) of Protos/rpc.proto") }
        try bytes.withUnsafeBytes { bytes in
            try MeasuredArena.check(bytes, budget: budget) { allocator, bytes in
                reading.unpacks(allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            }
        }
        try reading.roundTrip(ByteBuffer(bytes: bytes))
    }

    private static func status(_ bytes: ByteBuffer) throws(ProtocolViolation) -> RPCError {
        var error = try RPCError(.unknown, unpacking: bytes, load: LoadReport())
        // Longer ones are cut when they are sent.
        error.message = String(decoding: error.message.utf8.prefix(1024), as: UTF8.self)
        return error
    }

    private static func same<M: Equatable>(
        _ bytes: ByteBuffer, _ unpack: (ByteBuffer) throws(ProtocolViolation) -> M, _ pack: (M) -> [UInt8]
    ) throws {
        guard let message = try? unpack(bytes) else { return }
        let packed = pack(message)
        let again = try unpack(ByteBuffer(bytes: packed))
        try hold(again == message && pack(again) == packed, "\(M.self) that is packed again is the same")
    }

    static func seeds() throws -> [[UInt8]] {
        let golden = try GoldenFrames.read()
        func payload(_ name: String) -> [UInt8] { golden.first { $0.name.hasPrefix(name) }?.payload ?? [] }
        let error = RPCError(.notFound, "no such user", ran: .yes, retryable: true, retryAfterMs: 20, details: [9, 9])
        let metadata = Metadata(entries: [.init(key: "k", value: [1])], traceParent: "00-trace")
        let messages: [String: [UInt8]] = [
            "Hello": payload("hello"), "Welcome": payload("welcome"), "Proof": payload("proof"),
            "GoAway": payload("goaway"), "Close": payload("close"), "StatusDetails": error.packed(),
            "Metadata": metadata.packed(), "Limits": [8, 208, 15, 16, 232, 7], "MethodEntry": [8, 1, 18, 1, 97],
            "MetadataEntry": [10, 1, 107, 18, 1, 1],
        ]
        return MessageList.rpc.enumerated().map { [UInt8($0.offset), 255] + (messages[$0.element] ?? []) }
    }
}
