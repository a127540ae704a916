import DequeModule
import NIOCore

/// What one side says in MESSAGE frames: each stream's messages wait here until its credit and the connection's let
/// them out (docs/protocol.md, "Credit"), and until the transport takes more. Both sides of a connection use it alike.
struct OutgoingMessages {
    struct Message: Sendable {
        var bytes: [UInt8]
        var compression = Compression.automatic
    }

    private struct Half {
        var credit: Int
        var waiting = Deque<Message>()
        /// It stands in `blocked`.
        var isBlocked = false
    }

    /// What may still be sent on all streams together.
    private(set) var credit = 0
    private var streamCredit = 0
    private var halves: [UInt32: Half] = [:]
    /// The transport takes more.
    var isWritable = true
    /// Streams that have credit of their own and wait for the connection's, or for the transport, in the order in which
    /// they came to wait.
    private var blocked = Deque<UInt32>()
    /// Of all messages that wait.
    private(set) var waitingBytes = 0

    /// The other side has told what it takes.
    mutating func agreed(_ theirs: Limits) {
        credit = theirs.connectionCreditBytes
        streamCredit = theirs.streamCreditBytes
    }

    mutating func open(_ id: UInt32) { halves[id] = Half(credit: streamCredit) }

    /// Drops what waits. Its entry among the blocked stays until most of those are stale, so that streams that come and
    /// go while the other side gives no credit cost no memory.
    mutating func close(_ id: UInt32) {
        let dropped = halves.removeValue(forKey: id)?.waiting ?? []
        waitingBytes -= dropped.reduce(0) { $0 + $1.bytes.count }
        guard blocked.count > 64, blocked.count > 2 * halves.count else { return }
        blocked.removeAll { halves[$0] == nil }
    }

    /// Entries in the line for the connection's credit.
    var blockedCount: Int { blocked.count }

    /// The same on one stream, and the messages that wait there; nil when it is closed.
    func half(_ id: UInt32) -> (credit: Int, waiting: Int)? { halves[id].map { ($0.credit, $0.waiting.count) } }

    func hasWaiting(_ id: UInt32) -> Bool { halves[id]?.waiting.isEmpty == false }

    mutating func queue(_ message: Message, on id: UInt32) {
        guard halves[id] != nil else { return }
        halves[id]?.waiting.append(message)
        waitingBytes += message.bytes.count
    }

    private func mayGoOut(_ output: ByteBuffer) -> Bool { credit > 0 && isWritable && output.hasRoom }

    /// Some stream waits that neither lacks credit of its own nor of the connection's.
    var waitsForTransport: Bool { credit > 0 && !blocked.isEmpty }

    /// Sends what waits on `id` as far as both credits and the transport go. One message may take a credit below zero: else a message
    /// above the credit could never leave.
    ///
    /// - Returns: how many went out.
    mutating func pump(_ id: UInt32, _ coding: inout MessageCoding, into output: inout ByteBuffer) -> Int {
        var sent = 0
        while mayGoOut(output), sendOne(id, &coding, into: &output) { sent += 1 }
        wait(id)
        return sent
    }

    /// CREDIT: u32 bytes; stream 0 is the connection's. What waited for the connection goes out one message a stream
    /// in turn, so that no stream takes all of it.
    ///
    /// - Parameter sent: told of each message that goes out.
    mutating func credited(
        _ frame: Frame, _ coding: inout MessageCoding, into output: inout ByteBuffer, sent: (UInt32) -> Void
    ) throws(ProtocolViolation) {
        let bytes = try Credit.read(frame)
        guard frame.stream == 0 else {
            guard var half = halves[frame.stream] else { return }
            try Credit.add(bytes, to: &half.credit)
            halves[frame.stream] = half
            for _ in 0..<pump(frame.stream, &coding, into: &output) { sent(frame.stream) }
            return
        }
        try Credit.add(bytes, to: &credit)
        goOn(&coding, into: &output, sent: sent)
    }

    /// Sends what waited for the connection's credit, or for the transport.
    mutating func goOn(_ coding: inout MessageCoding, into output: inout ByteBuffer, sent: (UInt32) -> Void) {
        while mayGoOut(output), let id = blocked.popFirst() {
            halves[id]?.isBlocked = false
            if sendOne(id, &coding, into: &output) { sent(id) }
            wait(id)
        }
    }

    private mutating func sendOne(_ id: UInt32, _ coding: inout MessageCoding, into output: inout ByteBuffer) -> Bool {
        guard let half = halves[id], half.credit > 0, let message = halves[id]?.waiting.popFirst() else { return false }
        waitingBytes -= message.bytes.count
        let before = output.writerIndex
        FrameEncoder.write(.message, stream: id, into: &output) {
            coding.write(message.bytes, message.compression, into: &$0)
        }
        let cost = output.writerIndex - before
        halves[id]?.credit -= cost
        credit -= cost
        return true
    }

    /// Lets a stream wait for the others, unless it lacks credit of its own.
    private mutating func wait(_ id: UInt32) {
        guard let half = halves[id], half.credit > 0, !half.waiting.isEmpty, !half.isBlocked else { return }
        halves[id]?.isBlocked = true
        blocked.append(id)
    }
}
