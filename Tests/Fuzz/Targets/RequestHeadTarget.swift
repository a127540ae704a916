import NIOCore

@testable import RPC

extension FuzzTarget {
    /// The start of a REQUEST: method, time, key, partition, session and metadata, unpacked and as it lies.
    static let requestHead = FuzzTarget(
        name: "request-head", check: RequestHeadCheck.check, seeds: RequestHeadCheck.seeds)
}

private enum RequestHeadCheck {
    static func check(_ input: inout FuzzInput) throws {
        let bytes = input.rest()
        let payload = ByteBuffer(bytes: bytes)
        let fixed = try? RequestHead.Fixed(payload)
        try hold((fixed != nil) == isPlausible(bytes), "the fixed part is taken exactly when it is whole")
        var message = payload
        guard let head = try? RequestHead(from: &message) else { return }
        guard let fixed else { throw Broken("a head is taken whose fixed part is refused") }
        try agrees(head, fixed, bytes)
        try hold(message.array == Array(bytes[messageOffset(bytes)...]), "the message is what follows")
        try roundTrip(head, message.array)
        try lies(head, InPlaceRequest(stream: 1, head: fixed, payload: payload), message.array)
    }

    private static func messageOffset(_ bytes: [UInt8]) -> Int { 40 + little16(bytes, 2) + little16(bytes, 34) }

    /// docs/protocol.md, "REQUEST".
    private static func isPlausible(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 40 && little32(bytes, 36) == 0 && bytes.count >= messageOffset(bytes)
    }

    private static func agrees(_ head: RequestHead, _ fixed: RequestHead.Fixed, _ bytes: [UInt8]) throws {
        try hold(head.method == little16(bytes, 0) && fixed.method == head.method, "method")
        try hold(head.remainingMs == little32(bytes, 4) && fixed.remainingMs == head.remainingMs, "remaining time")
        try hold(head.revision == little64(bytes, 8) && fixed.revision == head.revision, "revision")
        let key = IdempotencyKey(high: little64(bytes, 16), low: little64(bytes, 24))
        try hold(head.key == key && fixed.key == key, "idempotency key")
        let partition = little16(bytes, 32) == 65_535 ? nil : UInt16(little16(bytes, 32))
        try hold(head.partition == partition && fixed.partition == partition, "partition")
        try hold(head.session == Array(bytes[40..<40 + little16(bytes, 2)]), "session")
        try hold(fixed.messageOffset == messageOffset(bytes), "where the message begins")
    }

    private static func roundTrip(_ head: RequestHead, _ message: [UInt8]) throws {
        let packed = head.metadata.packed()
        // Text that was repaired may have grown beyond the length field.
        guard packed.count <= Metadata.maxPackedBytes else { return }
        var buffer = ByteBuffer()
        head.write(packedMetadata: packed, into: &buffer)
        buffer.writeBytes(message)
        let again = try RequestHead(from: &buffer)
        try hold(again == head && buffer.array == message, "a head that is written again is the same")
    }

    /// What a handler that answers in place is shown.
    private static func lies(_ head: RequestHead, _ request: InPlaceRequest, _ message: [UInt8]) throws {
        var seen: (message: [UInt8], session: [UInt8], metadata: Metadata)?
        try request.withCall(from: Peer()) { call throws(RPCError) in
            seen = (Array(call.message), Array(call.session), try call.metadata())
        }
        try hold(seen?.message == message, "the message, in place")
        try hold(seen?.session == head.session, "the session, in place")
        try hold(seen?.metadata == head.metadata, "the metadata, in place")
    }

    static func seeds() throws -> [[UInt8]] {
        try GoldenFrames.read().filter { $0.name.hasPrefix("request") }.map(\.payload)
    }
}
