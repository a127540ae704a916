import NIOCore

/// What the caller says: requests, messages, cancellations, pings.
extension ServerConnection {
    mutating func request(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        guard frame.stream % 2 == 1, frame.stream > lastSeen else {
            throw .malformed("stream \(frame.stream) after stream \(lastSeen): ids are odd and grow")
        }
        lastSeen = frame.stream
        // What came after the last GOAWAY was told not to be served; its sender knows.
        if age.isFinal { return }
        lastStream = frame.stream
        if try answersInPlace(frame, now: now, into: &actions) { return }
        var payload = frame.payload
        let head = try RequestHead(from: &payload)
        let headBytes = frame.payload.readableBytes - payload.readableBytes
        let message = try read(payload, frame.flags)
        guard streams.count < ours.maxConcurrentStreams else {
            let error = RPCError.tooMany("streams on this connection", ours.maxConcurrentStreams)
            return refuse(frame.stream, error, into: &actions)
        }
        let isListening = !frame.flags.contains(.endStream)
        if let error = refusal(of: head, isListening: isListening, messageBytes: message.count) {
            return refuse(frame.stream, error, into: &actions)
        }
        open(frame.stream, method: head.method, isListening: isListening, now: now)
        age.busy(now: now)
        let deadline = head.remainingMs == 0 ? nil : now + .milliseconds(Int64(head.remainingMs))
        if let deadline { deadlines.insert(frame.stream, deadline: deadline) }
        let request = Request(
            head: head, deadline: deadline, message: message, isCompressed: frame.flags.contains(.compressed),
            bytes: headBytes + message.count)
        actions.commands.append(.start(stream: frame.stream, request))
        // A handler that reads messages waits for their end, also when there are none.
        if !isListening, takesManyMessages(head) { actions.commands.append(.end(stream: frame.stream)) }
    }

    /// What is answered before the next frame is looked at needs no place in the table.
    private mutating func answersInPlace(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) -> Bool {
        let head = try RequestHead.Fixed(frame.payload)
        let index = Int(head.method) - 1
        let methods = configuration.handshake.methods
        guard methods.indices.contains(index), methods[index].isInPlace, frame.flags.contains(.endStream) else {
            return false
        }
        pings.called()
        age.busy(now: now)
        var request = InPlaceRequest(stream: frame.stream, head: head, payload: frame.payload)
        if !frame.flags.contains(.compressed) {
            try coding.checkSize(frame.payload.readableBytes - head.messageOffset)
        } else {
            var message = frame.payload
            message.moveReaderIndex(forwardBy: head.messageOffset)
            request.decompressed = try read(message, frame.flags)
        }
        if head.metadataBytes > 0, let error = try refusal(ofMetadata: frame.payload) {
            refuse(frame.stream, error, into: &actions)
            return true
        }
        traffic.calls += 1
        inPlace.append(request)
        return true
    }

    /// The handler would find out only if it looked.
    private func refusal(ofMetadata payload: ByteBuffer) throws(ProtocolViolation) -> RPCError? {
        var payload = payload
        return try RequestHead(from: &payload).metadata.refusal
    }

    /// What a few bytes become counts in their turn.
    private mutating func read(_ payload: ByteBuffer, _ flags: FrameFlags) throws(ProtocolViolation) -> [UInt8] {
        let message = try coding.read(payload, flags: flags)
        if flags.contains(.compressed) { inflatedBytes += message.count }
        return message
    }

    private mutating func open(_ id: UInt32, method: UInt16, isListening: Bool, now: NIODeadline) {
        streams.insert(Stream(method: method, opened: now, isListening: isListening), for: id)
        outgoing.open(id)
        if isListening { incoming.open(id) }
        pings.called()
        traffic.calls += 1
    }

    /// A method of one message has it in the REQUEST, which ends the stream; one of many has none there.
    private func refusal(of head: RequestHead, isListening: Bool, messageBytes: Int) -> RPCError? {
        let index = Int(head.method) - 1
        guard configuration.handshake.methods.indices.contains(index) else {
            return RPCError(.unimplemented, "there is no method \(head.method)", ran: .no)
        }
        let method = configuration.handshake.methods[index]
        guard method.kind.takesManyMessages ? messageBytes == 0 : !isListening else {
            return RPCError(.invalidArgument, "\(method.name) is not called so: its kind is \(method.kind)", ran: .no)
        }
        return head.metadata.refusal
    }

    /// The method must be one of the table's.
    private func takesManyMessages(_ head: RequestHead) -> Bool {
        configuration.handshake.methods[Int(head.method) - 1].kind.takesManyMessages
    }

    private mutating func refuse(_ stream: UInt32, _ error: RPCError, into actions: inout Actions<Command>) {
        writeResponse(stream, .failure(error), load: LoadReport(), into: &actions.output)
    }

    mutating func message(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        try checkOpened(frame)
        if let stream = streams[frame.stream], !stream.isListening, !stream.isAnswered {
            throw .malformed("a MESSAGE behind the END of stream \(frame.stream)")
        }
        traffic.messagesIn += 1
        let cost = Credit.cost(of: frame)
        guard try incoming.received(cost, on: frame.stream, into: &actions.output) else { return }
        let message = try read(frame.payload, frame.flags)
        actions.commands.append(.message(stream: frame.stream, message, cost: cost))
    }

    mutating func ended(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        try checkOpened(frame)
        guard let stream = streams[frame.stream], !stream.isAnswered else { return }
        guard stream.isListening else { throw .malformed("a second END of stream \(frame.stream)") }
        streams[frame.stream]?.isListening = false
        actions.commands.append(.end(stream: frame.stream))
    }

    private func checkOpened(_ frame: Frame) throws(ProtocolViolation) {
        guard frame.stream % 2 == 1, frame.stream <= lastSeen else {
            throw .malformed("a \(frame.kind) on stream \(frame.stream), which was not opened")
        }
    }

    /// A handler has used a message up: its credit goes back.
    mutating func consumed(_ bytes: Int, on id: UInt32, into actions: inout Actions<Command>) {
        guard phase == .open else { return }
        incoming.consumed(bytes, on: id, into: &actions.output)
    }

    mutating func cancelled(
        _ id: UInt32, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        // A stream that has just ended: the two frames crossed.
        guard streams[id]?.isAnswered == false else { return }
        guard cancels.count(now: now) <= configuration.maxCancelsPerSecond else {
            throw ProtocolViolation(
                .resourceExhausted, "more than \(configuration.maxCancelsPerSecond) cancelled calls in a second")
        }
        silence(id, RPCError(.cancelled, "the caller cancelled", ran: .unknown), into: &actions)
    }

    /// Nothing more is said on `id`; its place is kept until its handler has ended, unless it has, and its answer waited.
    mutating func silence(_ id: UInt32, _ error: RPCError, into actions: inout Actions<Command>) {
        traffic.count(succeeded: false)
        let handlerHasEnded = takeEnd(id) != nil
        streams[id]?.isAnswered = true
        outgoing.close(id)
        incoming.close(id)
        actions.commands.append(.cancel(stream: id, error))
        if handlerHasEnded { remove(id, into: &actions) }
    }

    mutating func ping(
        _ frame: Frame, now: NIODeadline, into actions: inout Actions<Command>
    ) throws(ProtocolViolation) {
        guard frame.payload.readableBytes == 8 else { throw .malformed("a PING whose payload is not 8 bytes") }
        guard pings.pinged(now: now) else {
            throw ProtocolViolation(.resourceExhausted, Close.tooManyPings)
        }
        FrameEncoder.write(.pong, payload: Array(frame.payload.readableBytesView), into: &actions.output)
    }
}

extension RPCError {
    /// Nothing was done because `limit` of `what` are in use; later it may go.
    static func tooMany(_ what: String, _ limit: Int) -> RPCError {
        RPCError(.resourceExhausted, "more than \(limit) \(what)", ran: .no, retryable: true)
    }
}
