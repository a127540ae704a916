import NIOCore

/// Requests and messages out, answers in.
extension ClientConnection {
    /// Sends waiting requests, in order, as far as the server takes them.
    mutating func sendQueued(now: NIODeadline, into actions: inout Actions<Command>) {
        while canSend, actions.output.hasRoom, let id = queue.popFirst() {
            send(id, now: now, into: &actions)
        }
    }

    /// Sends a waiting request, or completes it when it cannot be sent.
    private mutating func send(_ id: UInt32, now: NIODeadline, into actions: inout Actions<Command>) {
        guard let request = streams[id]?.unsent else { return }
        if let deadline = request.deadline, deadline <= now { return refuseOverdue(id, into: &actions) }
        let metadata = request.options.metadata.packed()
        do throws(RPCError) {
            let method = try method(for: request)
            try checkSize(of: request, metadataBytes: metadata.count)
            write(request, as: method, metadata, on: id, now: now, into: &actions.output)
            sent(id, into: &actions)
        } catch {
            complete(id, .failure(error), into: &actions)
        }
    }

    /// Nobody would hear the answer to what may already have been done.
    private mutating func refuseOverdue(_ id: UInt32, into actions: inout Actions<Command>) {
        let error = RPCError(.deadlineExceeded, "the call's time was over before it was sent", ran: .no)
        complete(id, .failure(error), into: &actions)
    }

    private mutating func write(
        _ request: Request, as method: MethodEntry, _ metadata: [UInt8], on id: UInt32, now: NIODeadline,
        into output: inout ByteBuffer
    ) {
        var head = RequestHead(method: method.number)
        let options = request.options
        head.remainingMs = request.deadline.map { Self.remainingMs(until: $0, now: now) } ?? 0
        head.revision = options.revision
        head.key = options.key
        head.partition = options.partition
        head.session = options.session
        let flags: FrameFlags = request.kind.takesManyMessages ? [] : .endStream
        FrameEncoder.write(.request, flags: flags, stream: id, into: &output) {
            head.write(packedMetadata: metadata, into: &$0)
            return coding.write(request.message, options.compression, into: &$0)
        }
    }

    private mutating func sent(_ id: UInt32, into actions: inout Actions<Command>) {
        streams[id]?.unsent = nil
        sentCount += 1
        traffic.calls += 1
        guard let kind = streams[id]?.kind, kind != .unary else { return }
        incoming.open(id)
        guard kind.takesManyMessages else { return }
        outgoing.open(id)
        actions.commands.append(.started(stream: id))
    }

    /// At least 1: 0 would mean for ever.
    static func remainingMs(until deadline: NIODeadline, now: NIODeadline) -> UInt32 {
        UInt32(clamping: max(1, ((deadline - now).nanoseconds + 999_999) / 1_000_000))
    }

    private func method(for request: Request) throws(RPCError) -> MethodEntry {
        guard let method = methods[request.method] else {
            throw RPCError(.unimplemented, "node \(serverNodeId) has no method \(request.method)", ran: .no)
        }
        guard method.kind == request.kind else {
            throw RPCError(.unimplemented, "\(request.method) is a \(method.kind) method", ran: .no)
        }
        if let error = request.options.metadata.refusal { throw error }
        return method
    }

    private func checkSize(of request: Request, metadataBytes: Int) throws(RPCError) {
        let options = request.options
        guard metadataBytes <= Metadata.maxPackedBytes else { throw .metadataTooLarge }
        guard options.session.count <= RequestHead.maxPartBytes else {
            throw RPCError(.invalidArgument, "the call's session is too large", ran: .no)
        }
        let payload = RequestHead.byteCount + options.session.count + metadataBytes + request.message.count
        guard request.message.count <= theirs.maxMessageBytes, payload <= theirs.maxFrameBytes else {
            throw .tooLarge(request.message, for: serverNodeId, theirs)
        }
    }

    // MARK: Messages of the caller

    /// The request has left, and messages may follow.
    func isStarted(_ id: UInt32) -> Bool { streams[id].map { $0.unsent == nil } ?? false }

    /// One of the caller's messages, on a stream that is started: goes out now or when credit arrives; `.written` says
    /// when.
    ///
    /// - Returns: why it cannot be said.
    mutating func send(
        _ message: OutgoingMessages.Message, on id: UInt32, into actions: inout Actions<Command>
    ) -> RPCError? {
        guard let stream = streams[id], stream.isSpeaking, !stream.isEnding else { return .saidAll }
        guard fits(message.bytes) else { return .tooLarge(message.bytes, for: serverNodeId, theirs) }
        outgoing.queue(message, on: id)
        pump(id, into: &actions)
        return nil
    }

    private func fits(_ message: [UInt8]) -> Bool {
        message.count <= theirs.maxMessageBytes && message.count <= theirs.maxFrameBytes
    }

    /// The caller says no more: END goes behind the messages that wait.
    mutating func finish(_ id: UInt32, into actions: inout Actions<Command>) {
        guard let stream = streams[id], stream.isSpeaking else { return }
        streams[id]?.isEnding = true
        endIfDrained(id, into: &actions)
    }

    private mutating func pump(_ id: UInt32, into actions: inout Actions<Command>) {
        let sent = outgoing.pump(id, &coding, into: &actions.output)
        traffic.messagesOut += UInt64(sent)
        for _ in 0..<sent { actions.commands.append(.written(stream: id)) }
        endIfDrained(id, into: &actions)
    }

    private mutating func endIfDrained(_ id: UInt32, into actions: inout Actions<Command>) {
        guard let stream = streams[id], stream.isEnding, stream.isSpeaking, stream.unsent == nil,
            !outgoing.hasWaiting(id)
        else { return }
        streams[id]?.isSpeaking = false
        FrameEncoder.write(.end, flags: .endStream, stream: id, into: &actions.output)
    }

    mutating func credited(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        var sent: [UInt32] = []
        try outgoing.credited(frame, &coding, into: &actions.output) { sent.append($0) }
        went(sent, into: &actions)
    }

    mutating func letOut(into actions: inout Actions<Command>) {
        guard outgoing.waitsForTransport else { return }
        var sent: [UInt32] = []
        outgoing.goOn(&coding, into: &actions.output) { sent.append($0) }
        went(sent, into: &actions)
    }

    /// Messages went out on these streams.
    private mutating func went(_ sent: [UInt32], into actions: inout Actions<Command>) {
        traffic.messagesOut += UInt64(sent.count)
        for id in sent { actions.commands.append(.written(stream: id)) }
        for id in sent { endIfDrained(id, into: &actions) }
    }

    // MARK: Answers

    /// RESPONSE; one for a stream that was abandoned has crossed its CANCEL.
    mutating func responded(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        if try respondedInPlace(frame) {
            if !queue.isEmpty { sendQueued(now: now, into: &actions) }
            return closeIfDone(into: &actions)
        }
        guard let stream = streams[frame.stream] else { return }
        guard stream.unsent == nil else { throw .malformed("an answer to a request that was not sent") }
        var payload = frame.payload
        let trailer = try ResponseTrailer(from: &payload)
        if let error = trailer.error {
            complete(frame.stream, .failure(error), into: &actions)
        } else {
            let message = try coding.read(payload, flags: frame.flags)
            let reply = Reply(
                message: message, initialMetadata: stream.initialMetadata ?? Metadata(), metadata: trailer.metadata,
                load: trailer.load, isCompressed: frame.flags.contains(.compressed))
            complete(frame.stream, .success(reply), into: &actions)
        }
        sendQueued(now: now, into: &actions)
        closeIfDone(into: &actions)
    }

    mutating func messaged(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        let cost = Credit.cost(of: frame)
        guard inPlace[frame.stream] == nil else { throw .malformed("a MESSAGE on the stream of a unary call") }
        if let stream = streams[frame.stream], !stream.kind.givesManyMessages {
            throw .malformed("a MESSAGE on the stream of a \(stream.kind) call")
        }
        guard try incoming.received(cost, on: frame.stream, into: &actions.output) else { return }
        traffic.messagesIn += 1
        streams[frame.stream]?.hasMessages = true
        let message = try coding.read(frame.payload, flags: frame.flags)
        actions.commands.append(.message(stream: frame.stream, message, cost: cost))
    }

    mutating func metadataArrived(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        guard let stream = streams[frame.stream] else { return }
        guard stream.unsent == nil, stream.initialMetadata == nil, !stream.hasMessages else {
            throw .malformed("METADATA that comes too late, or twice")
        }
        let metadata = try Metadata(unpacking: frame.payload)
        streams[frame.stream]?.initialMetadata = metadata
        actions.commands.append(.metadata(stream: frame.stream, metadata))
    }

    // MARK: Ends

    /// GOAWAY: what the server has not taken was not run and is made again elsewhere.
    mutating func wentAway(_ goAway: GoAway, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        if phase == .open {
            phase = .goingAway
            actions.commands.append(.goingAway)
        }
        guard phase == .goingAway else { return }
        let error = RPCError(
            .unavailable, "\(configuration.target) takes no more calls: \(goAway.reason)", ran: .no, retryable: true)
        for id in inPlace.keys where id > goAway.lastStream { fail(inPlace: id, error) }
        for id in streams.keys where id > goAway.lastStream || streams[id]?.unsent != nil {
            giveBack(id, error, into: &actions)
        }
        closeIfDone(into: &actions)
    }

    /// A call of many messages cannot be made again once some have left, or have come.
    mutating func giveBack(_ id: UInt32, _ error: RPCError, into actions: inout Actions<Command>) {
        guard let stream = streams[id] else { return }
        if stream.unsent == nil, stream.kind.takesManyMessages || stream.hasMessages {
            return complete(id, .failure(error), into: &actions)
        }
        remove(id)
        actions.commands.append(.returned(stream: id, error))
    }

    mutating func complete(_ id: UInt32, _ result: Result<Reply, RPCError>, into actions: inout Actions<Command>) {
        guard streams[id] != nil else { return }
        remove(id)
        actions.commands.append(.completed(stream: id, result))
    }

    private mutating func remove(_ id: UInt32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        if stream.unsent == nil { sentCount -= 1 }
        if queue.count > 64, queue.count > 2 * (streams.count - sentCount) {
            queue.removeAll { streams[$0]?.unsent == nil }
        }
        outgoing.close(id)
        incoming.close(id)
        sweepDeadlines()
    }

    mutating func sweepDeadlines() {
        deadlines.sweep(liveCount: streams.count + inPlace.count) { streams[$0] != nil || inPlace[$0] != nil }
    }
}

extension RPCError {
    static let saidAll = RPCError(
        .failedPrecondition, "the call has ended, or its caller said that there is no more", ran: .unknown)

    fileprivate static func tooLarge(_ message: [UInt8], for nodeId: String, _ limits: Limits) -> RPCError {
        RPCError(
            .resourceExhausted,
            "a message of \(message.count) bytes is above node \(nodeId)'s limit of "
                + "\(min(limits.maxMessageBytes, limits.maxFrameBytes - RequestHead.byteCount))", ran: .no)
    }
}
