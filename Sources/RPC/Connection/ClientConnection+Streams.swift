import NIOCore

/// Requests out, answers in.
extension ClientConnection {
    /// Sends a waiting request, or completes it when it cannot be sent.
    mutating func send(_ id: UInt32, now: NIODeadline, into actions: inout Actions<Command>) {
        guard let request = streams[id]?.unsent else { return }
        if let error = refusal(of: request) { return complete(id, .failure(error), into: &actions) }
        guard let method = methods[request.method] else { return }
        let options = request.options
        let metadata = options.metadata.packed()
        if let error = sizeRefusal(of: request, metadataBytes: metadata.count) {
            return complete(id, .failure(error), into: &actions)
        }
        var head = RequestHead(method: method.number)
        head.remainingMs = request.deadline.map { Self.remainingMs(until: $0, now: now) } ?? 0
        head.revision = options.revision
        head.key = options.key
        head.partition = options.partition
        head.session = options.session
        FrameEncoder.write(.request, flags: .endStream, stream: id, into: &actions.output) { [coding] in
            head.write(packedMetadata: metadata, into: &$0)
            return coding.write(request.message, into: &$0)
        }
        streams[id]?.unsent = nil
        sentCount += 1
    }

    /// At least 1: 0 would mean for ever.
    private static func remainingMs(until deadline: NIODeadline, now: NIODeadline) -> UInt32 {
        UInt32(clamping: max(1, ((deadline - now).nanoseconds + 999_999) / 1_000_000))
    }

    private func refusal(of request: Request) -> RPCError? {
        guard let method = methods[request.method] else {
            return RPCError(.unimplemented, "node \(serverNodeId) has no method \(request.method)", ran: .no)
        }
        guard method.kind == (request.isStreaming ? .serverStreaming : .unary) else {
            return RPCError(.unimplemented, "\(request.method) is a \(method.kind) method", ran: .no)
        }
        guard sentCount < theirs.maxConcurrentStreams else {
            return .tooMany("calls at once to node \(serverNodeId)", theirs.maxConcurrentStreams)
        }
        return nil
    }

    private func sizeRefusal(of request: Request, metadataBytes: Int) -> RPCError? {
        let options = request.options
        guard options.session.count <= RequestHead.maxPartBytes, metadataBytes <= RequestHead.maxPartBytes,
            options.metadata.entries.count <= Metadata.maxEntries
        else { return RPCError(.invalidArgument, "the call's session or metadata is too large", ran: .no) }
        let payload = RequestHead.byteCount + options.session.count + metadataBytes + request.message.count
        guard request.message.count <= theirs.maxMessageBytes, payload <= theirs.maxFrameBytes else {
            return RPCError(
                .resourceExhausted,
                "a message of \(request.message.count) bytes is above node \(serverNodeId)'s limit of "
                    + "\(min(theirs.maxMessageBytes, theirs.maxFrameBytes - RequestHead.byteCount))", ran: .no)
        }
        return nil
    }

    // MARK: Answers

    /// RESPONSE; one for a stream that was abandoned has crossed its CANCEL.
    mutating func responded(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        guard streams[frame.stream] != nil else { return }
        var payload = frame.payload
        let trailer = try ResponseTrailer(from: &payload)
        if let error = trailer.error {
            complete(frame.stream, .failure(error), into: &actions)
        } else {
            let message = try coding.read(payload, flags: frame.flags)
            let reply = Reply(message: message, metadata: trailer.metadata, load: trailer.load)
            complete(frame.stream, .success(reply), into: &actions)
        }
        closeIfDone(into: &actions)
    }

    mutating func messaged(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        let cost = frame.payload.readableBytes
        guard window.received(cost) else { throw ProtocolViolation(.resourceExhausted, "messages beyond the credit") }
        guard let stream = streams[frame.stream] else {
            // The stream was abandoned; the connection's credit goes back all the same.
            return consumed(cost, on: frame.stream, into: &actions)
        }
        guard stream.isStreaming else { throw .malformed("a MESSAGE on a unary call's stream") }
        guard streams[frame.stream]?.window.received(cost) == true else {
            throw ProtocolViolation(.resourceExhausted, "messages beyond the stream's credit")
        }
        let message = try coding.read(frame.payload, flags: frame.flags)
        actions.commands.append(.message(stream: frame.stream, message, cost: cost))
    }

    /// GOAWAY: what the server has not taken was not run and may be repeated elsewhere.
    mutating func wentAway(_ goAway: GoAway, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        guard phase == .open else { return }
        phase = .goingAway
        actions.commands.append(.goingAway)
        let error = RPCError(
            .unavailable, "\(configuration.target) takes no more calls: \(goAway.reason)", ran: .no, retryable: true)
        for id in streams.keys.sorted() where id > goAway.lastStream { complete(id, .failure(error), into: &actions) }
        closeIfDone(into: &actions)
    }
}
