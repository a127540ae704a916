import NIOCore

/// The receiver's account of MESSAGE frames: what the other side may still send, on each stream and on all together,
/// and what is to be given back as messages are used up. Both sides of a connection use it alike.
struct IncomingMessages {
    private let streamCredit: Int
    private var connection: ReceiveWindow
    private var streams: [UInt32: ReceiveWindow] = [:]

    init(_ ours: Limits) {
        streamCredit = ours.streamCreditBytes
        connection = ReceiveWindow(size: ours.connectionCreditBytes, isShared: true)
    }

    /// What the other side may still send on all streams together.
    var credit: Int { connection.left }

    /// The same on one stream; nil when nothing is received on it.
    func credit(of id: UInt32) -> Int? { streams[id]?.left }

    mutating func open(_ id: UInt32) { streams[id] = ReceiveWindow(size: streamCredit) }

    mutating func close(_ id: UInt32) { streams[id] = nil }

    /// A message arrived. On a stream that is over, what it cost the connection is given back at once.
    ///
    /// - Returns: whether somebody waits for it.
    mutating func received(
        _ bytes: Int, on id: UInt32, into output: inout ByteBuffer
    ) throws(ProtocolViolation) -> Bool {
        guard connection.received(bytes) else {
            throw ProtocolViolation(.resourceExhausted, "messages beyond the connection's credit")
        }
        guard streams[id] != nil else {
            consumed(bytes, on: id, into: &output)
            return false
        }
        guard streams[id]?.received(bytes) == true else {
            throw ProtocolViolation(.resourceExhausted, "messages beyond the stream's credit")
        }
        // Whoever reads this one may be slow, and nobody else come to use anything up.
        if let credit = connection.takeDue() { Credit.write(credit, stream: 0, into: &output) }
        return true
    }

    /// A message was used up.
    mutating func consumed(_ bytes: Int, on id: UInt32, into output: inout ByteBuffer) {
        if let credit = streams[id]?.consumed(bytes) { Credit.write(credit, stream: id, into: &output) }
        if let credit = connection.consumed(bytes) { Credit.write(credit, stream: 0, into: &output) }
    }
}
