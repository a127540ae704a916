import NIOCore

@testable import RPC

/// What a server knows of a connection, and what its callers are told: which calls are open, what credit each side
/// has, how each call ended. It judges what a client says and decides; docs/protocol.md, "Calls" and "Credit".
struct ServerBooks {
    private struct Call {
        let kind: MethodKind
        /// The REQUEST was heard.
        var isSent = false
        /// The caller was told how it ended.
        var isOver = false
        var isFinishing = false
        var hasEnded = false
        var isCancelled = false
        var hasMetadata = false
        var hasMessages = false
        /// Messages that have not gone out.
        var writes = 0
        var room = Nest.ours.streamCreditBytes
        var credit = Nest.theirs.streamCreditBytes

        var isLive: Bool { !isOver }
    }

    private let takesCompressed: Bool
    private var calls: [UInt32: Call] = [:]
    private var lastRequest: UInt32 = 0
    private var room = Nest.ours.connectionCreditBytes
    private var credit = Nest.theirs.connectionCreditBytes
    private var delivered: [(stream: UInt32, cost: Int)] = []
    private var hasClosed = false
    private var isAtEnd = false
    private var isGoingAway = false
    /// Bytes were heard that are no frame: what is heard now may be taken for the rest of one.
    var isMidFrame = false

    init(takesCompressed: Bool) {
        self.takesCompressed = takesCompressed
    }

    var isOpen: Bool { !hasClosed }

    var liveCount: Int { calls.values.count(where: \.isLive) }

    var sentCount: Int { calls.values.count { $0.isLive && $0.isSent } }

    var nobodyWaits: Bool { liveCount == sentCount }

    func isLive(_ id: UInt32) -> Bool { calls[id]?.isLive == true }

    /// A RESPONSE to it is due.
    func isAwaited(_ id: UInt32) -> Bool { isOpen && !isMidFrame && isLive(id) && calls[id]?.isSent == true }

    func maySpeak(_ id: UInt32) -> Bool {
        guard let call = calls[id] else { return false }
        return call.isLive && call.isSent && call.kind.takesManyMessages && !call.isFinishing
    }

    func pickLive(_ byte: UInt8) -> UInt32? {
        let ids = calls.filter(\.value.isLive).keys.sorted()
        return ids.isEmpty ? nil : ids[Int(byte) % ids.count]
    }

    mutating func called(_ id: UInt32, _ kind: MethodKind) { calls[id] = Call(kind: kind) }

    mutating func wrote(_ id: UInt32) { calls[id]?.writes += 1 }

    mutating func finished(_ id: UInt32) { calls[id]?.isFinishing = true }

    mutating func takeDelivered(_ byte: UInt8) -> (UInt32, Int)? {
        delivered.isEmpty ? nil : delivered.remove(at: Int(byte) % delivered.count)
    }

    // MARK: What the client hears

    /// - Returns: whether the connection must end because of it.
    mutating func heard(_ frame: Frame) -> Bool {
        guard isOpen, !isMidFrame else { return false }
        let bytes = frame.payload.readableBytes
        switch frame.kind {
        case .message: return spent(20 + bytes, frame.stream)
        case .credit: return credited(frame)
        case .response: return calls[frame.stream].map { $0.isLive && !$0.isSent } ?? false
        case .metadata:
            guard let call = calls[frame.stream], call.isLive else { return false }
            return !call.isSent || call.hasMetadata || call.hasMessages
        case .ping: return bytes != 8
        case .pong, .goAway: return false
        case .close, .hello, .welcome, .proof, .request, .cancel, .end: return true
        }
    }

    private mutating func spent(_ bytes: Int, _ id: UInt32) -> Bool {
        var isBeyond = room <= 0
        room -= bytes
        if let call = calls[id], call.isLive {
            isBeyond = isBeyond || !call.kind.givesManyMessages || (call.isSent && call.room <= 0)
            if call.isSent { calls[id]?.room -= bytes }
        }
        return isBeyond
    }

    private mutating func credited(_ frame: Frame) -> Bool {
        guard let bytes = try? Credit.read(frame) else { return true }
        if frame.stream == 0 {
            credit += bytes
            return credit > Int(Int32.max)
        }
        guard let call = calls[frame.stream], call.isLive, call.isSent, call.kind.takesManyMessages else {
            return false
        }
        calls[frame.stream]?.credit += bytes
        return call.credit + bytes > Int(Int32.max)
    }

    // MARK: What the client says

    mutating func said(_ output: ByteBuffer) throws {
        let plain = PlainFrames(output.array, limit: 1 << 20)
        try hold(plain.end == .waiting(leftover: 0), "what a client says is made of frames")
        for frame in plain.frames {
            try hold(!isAtEnd, "nothing is said after the end")
            try hold(!hasClosed, "CLOSE is the last frame")
            try judge(frame)
        }
    }

    private mutating func judge(_ frame: PlainFrames.Frame) throws {
        guard let kind = FrameKind(rawValue: frame.kind) else { throw Broken("kind \(frame.kind)") }
        if kind != .close {
            try hold(frame.payload.count <= Nest.theirs.maxFrameBytes, "a \(kind) of \(frame.payload.count) bytes")
        }
        try hold(frame.flags & 2 == 0 || takesCompressed, "only who takes LZ4 is sent it")
        switch kind {
        case .request: try requested(frame)
        case .message: try messaged(frame)
        case .end: try ended(frame)
        case .cancel: try cancelled(frame)
        case .credit: try returned(frame)
        case .close: hasClosed = true
        case .ping, .pong: try hold(frame.payload.count == 8, "a \(kind) has eight bytes")
        default: throw Broken("a client says \(kind)")
        }
    }

    private mutating func requested(_ frame: PlainFrames.Frame) throws {
        guard let call = calls[frame.stream], !call.isSent else { throw Broken("REQUEST on no stream, or twice") }
        try hold(frame.stream > lastRequest, "streams grow")
        try hold(!isGoingAway, "nothing is opened after GOAWAY")
        try hold((frame.flags & 1 == 1) != call.kind.takesManyMessages, "END_STREAM is that of a \(call.kind) call")
        lastRequest = frame.stream
        calls[frame.stream]?.isSent = true
    }

    private mutating func messaged(_ frame: PlainFrames.Frame) throws {
        guard let call = calls[frame.stream], call.isSent, call.isLive, !call.hasEnded, !call.isCancelled else {
            throw Broken("MESSAGE on a stream that is not open")
        }
        try hold(call.credit > 0, "a message goes out with a stream's credit of \(call.credit)")
        try hold(credit > 0, "a message goes out with a connection's credit of \(credit)")
        try hold(call.writes > 0, "a message goes out that nobody wrote")
        calls[frame.stream]?.credit -= 20 + frame.payload.count
        calls[frame.stream]?.writes -= 1
        credit -= 20 + frame.payload.count
    }

    private mutating func ended(_ frame: PlainFrames.Frame) throws {
        guard let call = calls[frame.stream], call.isSent, call.isLive, !call.hasEnded, call.kind.takesManyMessages
        else { throw Broken("END on a stream that has none") }
        try hold(call.isFinishing && call.writes == 0, "END goes behind the messages")
        calls[frame.stream]?.hasEnded = true
    }

    private mutating func cancelled(_ frame: PlainFrames.Frame) throws {
        guard let call = calls[frame.stream], call.isSent, call.isLive, !call.isCancelled else {
            throw Broken("CANCEL on a stream that is not open")
        }
        calls[frame.stream]?.isCancelled = true
    }

    private mutating func returned(_ frame: PlainFrames.Frame) throws {
        let bytes = Int(little32(frame.payload, 0))
        if frame.stream == 0 {
            room += bytes
            try hold(room <= Nest.ours.connectionCreditBytes, "no more credit is given back than was used")
        } else {
            calls[frame.stream]?.room += bytes
            let room = calls[frame.stream]?.room ?? 0
            try hold(room <= Nest.ours.streamCreditBytes, "no more credit is given back than was used")
        }
    }

    // MARK: What the client decides

    mutating func decided(_ command: ClientConnection.Command) throws {
        switch command {
        case .opened: throw Broken("a connection opens once")
        case .started(let id): try hold(calls[id]?.isSent == true && isLive(id), "a call is started when it was sent")
        case .metadata(let id, _):
            guard let call = calls[id], call.isLive, call.isSent else { throw Broken("metadata for nobody") }
            try hold(!call.hasMetadata && !call.hasMessages, "metadata comes first, and once")
            calls[id]?.hasMetadata = true
        case .message(let id, let message, let cost):
            guard let call = calls[id], call.isLive, call.isSent else { throw Broken("a message for nobody") }
            try hold(message.count <= Nest.ours.maxMessageBytes, "a message is within its limit")
            calls[id]?.hasMessages = true
            delivered.append((id, cost))
        case .written(let id): try hold(calls[id]?.isSent == true, "a write is reported where there was one")
        case .completed(let id, let result): try over(id, result)
        case .returned(let id, let error):
            try hold(error.ran == .no, "what is made again has not run")
            guard let call = calls[id] else { throw Broken("what is made again was a call") }
            try hold(!call.hasMessages, "what has brought messages is not made again")
            try hold(!call.isSent || !call.kind.takesManyMessages, "what has sent messages is not made again")
            try over(id, nil)
        case .goingAway:
            try hold(!isGoingAway, "the end is announced once")
            isGoingAway = true
        case .close:
            try hold(!isAtEnd, "the end is decided once")
            (isAtEnd, hasClosed) = (true, true)
        }
    }

    /// Its token is its stream.
    mutating func decided(_ result: InPlaceResult) throws {
        try hold(result.payload.readableBytes <= Nest.ours.maxMessageBytes, "an answer is within its limit")
        try over(UInt32(result.token), nil)
    }

    private mutating func over(_ id: UInt32, _ result: Result<Reply, RPCError>?) throws {
        guard let call = calls[id], call.isLive else { throw Broken("a call ends once") }
        if case .success(let reply) = result {
            try hold(call.isSent && reply.message.count <= Nest.ours.maxMessageBytes, "an answer is within its limit")
        }
        calls[id]?.isOver = true
    }

    /// What one can see from outside is what the connection thinks; no credit is lost on the way.
    func isClosed(_ isClosed: Bool) throws {
        try hold(isClosed == isAtEnd, "who is closed says so")
        try hold(sentCount <= Nest.theirs.maxConcurrentStreams, "\(sentCount) streams are open")
        guard isOpen, !isMidFrame else { return }
        for call in calls.values where call.isLive && call.isSent && call.kind.takesManyMessages {
            try hold(call.hasEnded == (call.isFinishing && call.writes == 0), "END is said when all has gone out")
        }
        let used = delivered.reduce(0) { $0 + $1.cost }
        let owed = Nest.ours.connectionCreditBytes - room - used
        try hold(owed == 0 || owed < room, "\(owed) bytes of credit are not given back, where \(room) are left")
    }

    func allHaveEnded() throws {
        try hold(calls.values.allSatisfy(\.isOver), "every call ends with its connection")
    }
}
