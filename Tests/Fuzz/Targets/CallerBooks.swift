import NIOCore

@testable import RPC

/// What a caller knows of a connection: which streams are open, what credit each side has, what was said on each. It
/// judges what a server says and decides; docs/protocol.md, "Calls" and "Credit".
struct CallerBooks {
    private struct Call {
        var isListening: Bool
        /// A handler was started, and has not ended.
        var isStarted = false
        var isRunning = false
        var isCancelled = false
        var isEndTold = false
        var hasSpoken = false
        /// It may have to wait for credit.
        var hasWritten = false
        var isAnswered = false
        /// Writes that the connection has not reported.
        var writes = 0
        /// Bytes that may go in and out.
        var room = Nest.ours.streamCreditBytes
        var credit = Nest.theirs.streamCreditBytes
    }

    private let takesCompressed: Bool
    private var calls: [UInt32: Call] = [:]
    private var lastStream: UInt32 = 0
    /// Also those behind the last GOAWAY.
    private var lastSeen: UInt32 = 0
    private var room = Nest.ours.connectionCreditBytes
    private var credit = Nest.theirs.connectionCreditBytes
    private var delivered: [(stream: UInt32, cost: Int)] = []
    private var goAways: [UInt32] = []
    private var hasClosed = false
    private var isAtEnd = false
    /// Bytes were heard that are no frame: what is heard now may be taken for the rest of one.
    var isMidFrame = false

    init(takesCompressed: Bool) {
        self.takesCompressed = takesCompressed
    }

    var isOpen: Bool { !hasClosed }

    /// The last there is may have been said; then it is none.
    var nextStream: UInt32 { lastSeen == 0 ? 1 : lastSeen &+ 2 }

    func mayOpen(_ id: UInt32) -> Bool { isOpen && !isMidFrame && id % 2 == 1 && id > lastSeen && id != .max }

    /// Its handler has ended, and its answer waits behind messages that wait for credit.
    private func isHeld(_ call: Call) -> Bool { call.isStarted && !call.isCancelled && !call.isAnswered }

    var runningCount: Int { calls.values.count { $0.isRunning || isHeld($0) } }

    /// The stream of a handler that runs.
    func pickRunning(_ byte: UInt8) -> UInt32? {
        let ids = calls.filter(\.value.isRunning).keys.sorted()
        return ids.isEmpty ? nil : ids[Int(byte) % ids.count]
    }

    mutating func handlerEnded(_ id: UInt32) { calls[id]?.isRunning = false }

    func hasSpoken(_ id: UInt32) -> Bool { calls[id].map { $0.hasSpoken || $0.hasWritten } ?? false }

    mutating func wrote(_ id: UInt32) {
        calls[id]?.hasWritten = true
        calls[id]?.writes += 1
    }

    /// A message that a handler has used up.
    mutating func takeDelivered(_ byte: UInt8) -> (UInt32, Int)? {
        delivered.isEmpty ? nil : delivered.remove(at: Int(byte) % delivered.count)
    }

    // MARK: What the server hears

    /// - Returns: whether the connection must end because of it.
    mutating func heard(_ frame: Frame) -> Bool {
        guard isOpen, !isMidFrame else { return false }
        let bytes = frame.payload.readableBytes
        switch frame.kind {
        case .request: return opened(frame)
        case .message: return spent(20 + bytes, frame)
        case .credit: return credited(frame)
        case .end: return ended(frame)
        case .ping: return bytes != 8
        case .cancel, .pong: return bytes > Nest.ours.maxFrameBytes
        case .close, .hello, .welcome, .proof, .response, .goAway, .metadata: return true
        }
    }

    private mutating func opened(_ frame: Frame) -> Bool {
        guard frame.stream % 2 == 1, frame.stream > lastSeen else { return true }
        lastSeen = frame.stream
        if goAways.count == 2 { return false }
        lastStream = frame.stream
        calls[frame.stream] = Call(isListening: !frame.flags.contains(.endStream))
        return frame.payload.readableBytes < RequestHead.byteCount
    }

    private mutating func spent(_ bytes: Int, _ frame: Frame) -> Bool {
        guard frame.stream % 2 == 1, frame.stream <= lastSeen else { return true }
        var isBeyond = room <= 0
        room -= bytes
        if let call = calls[frame.stream], call.isStarted, !call.isCancelled, !call.isAnswered {
            isBeyond = isBeyond || !call.isListening || call.room <= 0
            calls[frame.stream]?.room -= bytes
        }
        return isBeyond
    }

    private mutating func credited(_ frame: Frame) -> Bool {
        guard let bytes = try? Credit.read(frame) else { return true }
        if frame.stream == 0 {
            credit += bytes
            return credit > Int(Int32.max)
        }
        guard let call = calls[frame.stream], call.isStarted, !call.isCancelled, !call.isAnswered else { return false }
        calls[frame.stream]?.credit += bytes
        return call.credit + bytes > Int(Int32.max)
    }

    private mutating func ended(_ frame: Frame) -> Bool {
        guard frame.stream % 2 == 1, frame.stream <= lastSeen else { return true }
        guard let call = calls[frame.stream], call.isStarted, !call.isCancelled, !call.isAnswered else { return false }
        calls[frame.stream]?.isListening = false
        return !call.isListening
    }

    // MARK: What the server says

    mutating func said(_ output: ByteBuffer) throws {
        let plain = PlainFrames(output.array, limit: 1 << 20)
        try hold(plain.end == .waiting(leftover: 0), "what a server says is made of frames")
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
        case .response: try answered(frame)
        case .message: try messaged(frame)
        case .metadata: try spoke(frame)
        case .credit: try returned(frame)
        case .goAway: try wentAway(frame)
        case .close: hasClosed = true
        case .ping, .pong: try hold(frame.payload.count == 8, "a \(kind) has eight bytes")
        default: throw Broken("a server says \(kind)")
        }
    }

    private mutating func answered(_ frame: PlainFrames.Frame) throws {
        guard let call = calls[frame.stream] else { throw Broken("RESPONSE on a stream that is not open") }
        try hold(!call.isAnswered && !call.isCancelled, "one RESPONSE a stream")
        try hold(call.writes == 0 || frame.payload.first == 4, "RESPONSE goes behind the messages")
        calls[frame.stream]?.isAnswered = true
    }

    private mutating func messaged(_ frame: PlainFrames.Frame) throws {
        guard let call = calls[frame.stream], call.isStarted, !call.isAnswered, !call.isCancelled else {
            throw Broken("MESSAGE on a stream that is not open")
        }
        try hold(call.credit > 0, "a message goes out with a stream's credit of \(call.credit)")
        try hold(credit > 0, "a message goes out with a connection's credit of \(credit)")
        calls[frame.stream]?.credit -= 20 + frame.payload.count
        calls[frame.stream]?.writes -= 1
        calls[frame.stream]?.hasSpoken = true
        credit -= 20 + frame.payload.count
        try hold(call.writes > 0, "a message goes out that nobody wrote")
    }

    private mutating func spoke(_ frame: PlainFrames.Frame) throws {
        guard let call = calls[frame.stream], !call.isAnswered, !call.isCancelled else {
            throw Broken("METADATA on a stream that is not open")
        }
        try hold(!call.hasSpoken, "METADATA comes first, and once")
        calls[frame.stream]?.hasSpoken = true
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

    private mutating func wentAway(_ frame: PlainFrames.Frame) throws {
        let last = try GoAway(unpacking: ByteBuffer(bytes: frame.payload)).lastStream
        goAways.append(last)
        try hold(goAways.count <= 2, "GOAWAY comes twice")
        try hold(last == (goAways.count == 1 ? .max : lastStream), "GOAWAY names the last stream")
    }

    // MARK: What the server decides

    func decided(_ request: InPlaceRequest) throws {
        try hold(calls[request.stream]?.isStarted == false, "a stream is answered in place or by a handler")
    }

    mutating func decided(_ command: ServerConnection.Command) throws {
        switch command {
        case .opened: throw Broken("a connection opens once")
        case .start(let id, let request):
            guard let call = calls[id], !call.isStarted else { throw Broken("a handler is started once a stream") }
            try hold(request.message.count <= Nest.ours.maxMessageBytes, "a message is within its limit")
            calls[id]?.isStarted = true
            calls[id]?.isRunning = true
            try hold(runningCount <= Nest.ours.maxConcurrentStreams, "\(runningCount) streams are open")
        case .message(let id, let message, let cost):
            guard let call = calls[id], call.isStarted, !call.isCancelled, !call.isEndTold else {
                throw Broken("a message for a handler that is not told any more")
            }
            try hold(message.count <= Nest.ours.maxMessageBytes, "a message is within its limit")
            delivered.append((id, cost))
        case .end(let id):
            try hold(calls[id]?.isStarted == true && calls[id]?.isEndTold == false, "the end is told once")
            calls[id]?.isEndTold = true
        case .cancel(let id, _):
            guard let call = calls[id], call.isStarted, !call.isCancelled else { throw Broken("cancelled once") }
            calls[id]?.isCancelled = true
            calls[id]?.writes = 0
        case .written(let id):
            try hold(calls[id] != nil, "a write is reported where there was one")
        case .close:
            try hold(!isAtEnd, "the end is decided once")
            (isAtEnd, hasClosed) = (true, true)
        }
    }

    /// What one can see from outside is what the connection thinks; no credit is lost on the way.
    func isClosed(_ isClosed: Bool) throws {
        try hold(isClosed == isAtEnd, "who is closed says so")
        guard isOpen, !isMidFrame else { return }
        let used = delivered.reduce(0) { $0 + $1.cost }
        let owed = Nest.ours.connectionCreditBytes - room - used
        try hold(owed == 0 || owed < room, "\(owed) bytes of credit are not given back, where \(room) are left")
    }

    func allAreCancelled() throws {
        try hold(calls.values.allSatisfy { !$0.isRunning || $0.isCancelled }, "handlers are cancelled at the end")
    }
}
