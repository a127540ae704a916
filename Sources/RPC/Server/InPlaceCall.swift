import NIOCore

/// A unary request as it lies in the connection's buffer, for handlers that answer at once, on the event loop. Nothing
/// is copied, so nothing of it may be kept.
public struct InPlaceCall: ~Copyable {
    /// Valid until the handler returns.
    public let message: UnsafeRawBufferPointer
    /// The caller's session token; empty when there is none. Not checked here.
    public let session: UnsafeRawBufferPointer
    public let key: IdempotencyKey
    public let partition: UInt16?
    public let revision: UInt64
    public let peer: Peer
    /// As it came; `metadata()` unpacks it.
    let packedMetadata: UnsafeRawBufferPointer

    /// Throws an ``RPCError`` when it cannot be read.
    public func metadata() throws(RPCError) -> Metadata {
        guard packedMetadata.count > 0 else { return Metadata() }
        do throws(ProtocolViolation) {
            return try Metadata(unpacking: ByteBuffer(bytes: packedMetadata))
        } catch {
            throw RPCError(.invalidArgument, error.reason, ran: .no)
        }
    }
}

/// Answers an ``InPlaceCall``: appends the message to `answer`. What it throws is the call's status.
public typealias InPlaceHandler =
    @Sendable (_ call: borrowing InPlaceCall, _ answer: inout ByteBuffer) throws(RPCError)
    -> Void

/// A request for an in-place method, as the connection hands it to its driver.
struct InPlaceRequest {
    let stream: UInt32
    let head: RequestHead.Fixed
    /// The frame's payload: head, session, metadata, message.
    let payload: ByteBuffer
    /// The message, if it does not lie in the payload as it is.
    var decompressed: [UInt8]?

    /// Gives the call to `handler`, which may look at it until it returns.
    func withCall(
        from peer: Peer, _ handler: (borrowing InPlaceCall) throws(RPCError) -> Void
    ) throws(RPCError) {
        guard let decompressed else {
            return try payload.withBytes { bytes throws(RPCError) in
                try handler(call(bytes, UnsafeRawBufferPointer(rebasing: bytes[head.messageOffset...]), peer))
            }
        }
        let message = ByteBuffer(bytes: decompressed)
        try payload.withBytes { bytes throws(RPCError) in
            try message.withBytes { message throws(RPCError) in try handler(call(bytes, message, peer)) }
        }
    }

    private func call(
        _ bytes: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer, _ peer: Peer
    ) -> InPlaceCall {
        let sessionEnd = RequestHead.byteCount + head.sessionBytes
        return InPlaceCall(
            message: message,
            session: UnsafeRawBufferPointer(rebasing: bytes[RequestHead.byteCount..<sessionEnd]), key: head.key,
            partition: head.partition, revision: head.revision, peer: peer,
            packedMetadata: UnsafeRawBufferPointer(rebasing: bytes[sessionEnd..<head.messageOffset]))
    }
}

extension ByteBuffer {
    /// `withUnsafeReadableBytes` with a typed error, which needs no box.
    fileprivate func withBytes(
        _ body: (UnsafeRawBufferPointer) throws(RPCError) -> Void
    ) throws(RPCError) {
        var failure: RPCError?
        withUnsafeReadableBytes { bytes in
            do throws(RPCError) { try body(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
