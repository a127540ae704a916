import NIOCore

/// What handlers say, and the credit that lets it out.
extension ServerConnection {
    /// A stream on which a handler may still say something.
    func isOpen(_ id: UInt32) -> Bool { phase == .open && streams[id]?.isAnswered == false }

    /// A streaming handler's message: goes out now or when credit arrives; `.written` says when.
    /// The stream must be open.
    mutating func send(_ message: OutgoingMessages.Message, on id: UInt32, into actions: inout Actions<Command>) {
        streams[id]?.hasSpoken = true
        outgoing.queue(message, on: id)
        pump(id, into: &actions)
    }

    /// A message that could never be sent, and why.
    func refusal(of message: [UInt8]) -> RPCError? {
        let room = min(theirs.maxMessageBytes, theirs.maxFrameBytes - ResponseTrailer.byteCount)
        guard message.count > room else { return nil }
        return RPCError(
            .resourceExhausted, "an answer of \(message.count) bytes is above the caller's limit of \(room)")
    }

    /// METADATA, ahead of all messages.
    ///
    /// - Returns: why it cannot be said.
    mutating func say(_ metadata: Metadata, on id: UInt32, into actions: inout Actions<Command>) -> RPCError? {
        guard isOpen(id), streams[id]?.hasSpoken == false else {
            return RPCError(.failedPrecondition, "initial metadata comes before everything else, and once")
        }
        if let error = metadata.handlersFault { return error }
        let packed = metadata.packed()
        guard packed.count <= min(Metadata.maxPackedBytes, theirs.maxFrameBytes) else {
            return RPCError.metadataTooLarge.asHandlersFault
        }
        streams[id]?.hasSpoken = true
        FrameEncoder.write(.metadata, stream: id, payload: packed, into: &actions.output)
        return nil
    }

    /// A handler ended. Its answer goes behind the messages that wait for credit, and waits for the socket.
    mutating func finished(
        _ id: UInt32, _ outcome: Result<Answer, RPCError>, load: LoadReport, into actions: inout Actions<Command>
    ) {
        guard let stream = streams[id] else { return }
        if stream.isAnswered || phase == .closed {
            remove(id, into: &actions)
        } else if outgoing.hasWaiting(id) {
            hold(id, outcome, load)
        } else if !maySay(actions.output) {
            hold(id, outcome, load)
            heldAnswers.append(id)
            isHeldUp = true
        } else {
            traffic.count(succeeded: writeResponse(id, outcome, load: load, into: &actions.output))
            remove(id, into: &actions)
        }
    }

    /// The stream's place is free.
    mutating func remove(_ id: UInt32, into actions: inout Actions<Command>) {
        streams.removeValue(forKey: id)
        outgoing.close(id)
        incoming.close(id)
        deadlines.sweep(liveCount: streams.count) { streams[$0] != nil }
        closeIfDone(into: &actions)
    }

    mutating func credited(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        var sent: [UInt32] = []
        try outgoing.credited(frame, &coding, into: &actions.output) { sent.append($0) }
        went(sent, into: &actions)
    }

    /// Messages went out on these streams.
    mutating func went(_ sent: [UInt32], into actions: inout Actions<Command>) {
        traffic.messagesOut += UInt64(sent.count)
        for id in sent { actions.commands.append(.written(stream: id)) }
        for id in sent { endIfDrained(id, into: &actions) }
        if outgoing.waitsForTransport { isHeldUp = true }
    }

    private mutating func pump(_ id: UInt32, into actions: inout Actions<Command>) {
        let sent = outgoing.pump(id, &coding, into: &actions.output)
        traffic.messagesOut += UInt64(sent)
        for _ in 0..<sent { actions.commands.append(.written(stream: id)) }
        if outgoing.waitsForTransport { isHeldUp = true }
    }

    private mutating func endIfDrained(_ id: UInt32, into actions: inout Actions<Command>) {
        guard streams[id]?.end != nil, !outgoing.hasWaiting(id) else { return }
        heldAnswers.append(id)
        letOutAnswers(into: &actions)
    }

    /// Requests are to be answered in place, or to be dropped.
    func mayAnswerInPlace(_ output: ByteBuffer) -> Bool { !inPlace.isEmpty && (phase != .open || maySay(output)) }

    /// Writes the answers to requests that are answered in place, whose messages `body` appends.
    ///
    /// - Returns: how many; the others must wait for the socket.
    mutating func answer(
        _ requests: [InPlaceRequest], load: LoadReport, into output: inout ByteBuffer,
        body: (borrowing InPlaceRequest, inout ByteBuffer) throws(RPCError) -> Void
    ) -> Int {
        guard phase == .open else {
            for _ in requests { traffic.count(succeeded: false) }
            return requests.count
        }
        var answered = 0
        while answered < requests.count, maySay(output) {
            answer(requests[answered], load: load, into: &output, body: body)
            answered += 1
        }
        return answered
    }

    /// Those for whose answers there was no room.
    mutating func putBack(_ requests: ArraySlice<InPlaceRequest>) {
        inPlace.insert(contentsOf: requests, at: 0)
        isHeldUp = true
    }

    /// Room for the frame's header and the trailer, the message, then both over it.
    private mutating func answer(
        _ request: InPlaceRequest, load: LoadReport, into output: inout ByteBuffer,
        body: (borrowing InPlaceRequest, inout ByteBuffer) throws(RPCError) -> Void
    ) {
        let start = output.writerIndex
        let messageStart = start + FrameHeader.byteCount + ResponseTrailer.byteCount
        do throws(RPCError) {
            output.reserveCapacity(minimumWritableBytes: messageStart - start)
            output.moveWriterIndex(to: messageStart)
            try body(request, &output)
            guard
                output.writerIndex - messageStart
                    <= min(theirs.maxMessageBytes, theirs.maxFrameBytes - ResponseTrailer.byteCount)
            else {
                throw RPCError(.resourceExhausted, "the answer is above the caller's limit")
            }
        } catch {
            traffic.count(succeeded: false)
            output.moveWriterIndex(to: start)
            return writeError(request.stream, error, load: load, into: &output)
        }
        traffic.count(succeeded: true)
        let flags = coding.compress(from: messageStart, in: &output)
        let offset = start - output.readerIndex
        output.withUnsafeMutableReadableBytes { bytes in
            let frame = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
            let trailer = frame[FrameHeader.byteCount..<FrameHeader.byteCount + ResponseTrailer.byteCount]
            ResponseTrailer.store(load, in: UnsafeMutableRawBufferPointer(rebasing: trailer))
            FrameEncoder.storeHeader(.response, flags: flags.union(.endStream), stream: request.stream, in: frame)
        }
    }

    // MARK: RESPONSE

    /// - Returns: whether it is an answer: one that cannot be sent becomes an error.
    @discardableResult mutating func writeResponse(
        _ id: UInt32, _ outcome: Result<Answer, RPCError>, load: LoadReport, into output: inout ByteBuffer
    ) -> Bool {
        do throws(RPCError) {
            try writeAnswer(id, try outcome.get(), load: load, into: &output)
            return true
        } catch {
            writeError(id, error, load: load, into: &output)
            return false
        }
    }

    private mutating func writeAnswer(
        _ id: UInt32, _ answer: Answer, load: LoadReport, into output: inout ByteBuffer
    ) throws(RPCError) {
        if let error = answer.metadata.handlersFault ?? answer.initialMetadata.handlersFault { throw error }
        let (initial, metadata) = (answer.initialMetadata.packed(), answer.metadata.packed())
        let bytes = ResponseTrailer.byteCount + metadata.count + answer.message.count
        guard initial.count <= Metadata.maxPackedBytes, metadata.count <= Metadata.maxPackedBytes,
            answer.message.count <= theirs.maxMessageBytes, max(initial.count, bytes) <= theirs.maxFrameBytes
        else {
            let largest = max(initial.count, bytes)
            throw RPCError(.resourceExhausted, "an answer of \(largest) bytes is above the caller's limit")
        }
        if !initial.isEmpty { FrameEncoder.write(.metadata, stream: id, payload: initial, into: &output) }
        FrameEncoder.write(.response, flags: .endStream, stream: id, into: &output) {
            ResponseTrailer(load: load).write(packedDetails: [], packedMetadata: metadata, into: &$0)
            return coding.write(answer.message, answer.compression, into: &$0)
        }
    }

    private func writeError(_ id: UInt32, _ error: RPCError, load: LoadReport, into output: inout ByteBuffer) {
        guard error.details.count <= RPCError.maxDetailBytes else {
            let tooLong = RPCError(.internalError, "\(error); its details are too long", ran: error.ran)
            return writeError(id, tooLong, load: load, into: &output)
        }
        // An error with the code of success would be taken for an answer.
        var error = error
        if error.code == .ok { error.code = .unknown }
        var details = error.packed()
        let trailing = error.metadata.refusal == nil ? error.metadata.packed() : []
        var metadata = trailing.count <= Metadata.maxPackedBytes ? trailing : []
        if ResponseTrailer.byteCount + details.count + metadata.count > theirs.maxFrameBytes {
            (details, metadata) = (cut(error).packed(), [])
        }
        FrameEncoder.write(.response, flags: .endStream, stream: id, into: &output) {
            ResponseTrailer(load: load, error: error).write(
                packedDetails: details, packedMetadata: metadata, into: &$0)
            return []
        }
    }

    /// What the smallest frame has room for: what to do next, and as much of the sentence as fits.
    private func cut(_ error: RPCError) -> RPCError {
        // Around the message's text, packed details are no longer than this.
        let room = max(0, theirs.maxFrameBytes - ResponseTrailer.byteCount - 16)
        return RPCError(
            error.code, String(decoding: error.message.utf8(atMost: room), as: UTF8.self), ran: error.ran,
            retryable: error.retryable, retryAfterMs: error.retryAfterMs)
    }
}

extension Metadata {
    /// Why a handler may not have it said: it has run, and its caller is not to blame.
    fileprivate var handlersFault: RPCError? { refusal?.asHandlersFault }
}

extension RPCError {
    fileprivate var asHandlersFault: RPCError { RPCError(.internalError, "in the answer, \(message)", ran: .yes) }
}
