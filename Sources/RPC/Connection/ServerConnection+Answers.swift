import NIOCore

/// What handlers say, and the credit that lets it out.
extension ServerConnection {
    /// A stream on which a handler may still say something.
    func isOpen(_ id: UInt32) -> Bool { phase == .open && streams[id]?.isAnswered == false }

    /// A streaming handler's message: goes out now or when credit arrives; `.written` says when.
    /// The stream must be open.
    mutating func send(_ message: [UInt8], on id: UInt32, into actions: inout Actions<Command>) {
        streams[id]?.waiting.append(message)
        pump(id, into: &actions)
    }

    /// A message that could never be sent, and why.
    func refusal(of message: [UInt8]) -> RPCError? {
        let room = min(theirs.maxMessageBytes, theirs.maxFrameBytes - ResponseTrailer.byteCount)
        guard message.count > room else { return nil }
        return RPCError(
            .resourceExhausted, "an answer of \(message.count) bytes is above the caller's limit of \(room)")
    }

    /// A handler ended. Its answer goes behind the messages that wait for credit.
    mutating func finished(
        _ id: UInt32, _ outcome: Result<Answer, RPCError>, load: LoadReport, into actions: inout Actions<Command>
    ) {
        guard let stream = streams[id] else { return }
        if stream.isAnswered || phase == .closed {
            remove(id, into: &actions)
        } else if stream.waiting.isEmpty {
            writeResponse(id, outcome, load: load, into: &actions.output)
            remove(id, into: &actions)
        } else {
            streams[id]?.end = (outcome, load)
        }
    }

    private mutating func remove(_ id: UInt32, into actions: inout Actions<Command>) {
        streams[id] = nil
        deadlines.sweep(liveCount: streams.count) { streams[$0] != nil }
        closeIfDone(into: &actions)
    }

    /// CREDIT: u32 bytes; stream 0 is the connection's.
    mutating func credited(_ frame: Frame, into actions: inout Actions<Command>) throws(ProtocolViolation) {
        let bytes = try Credit.read(frame)
        guard frame.stream == 0 else {
            guard var stream = streams[frame.stream] else { return }
            try Credit.add(bytes, to: &stream.credit)
            streams[frame.stream] = stream
            return pump(frame.stream, into: &actions)
        }
        try Credit.add(bytes, to: &credit)
        let waiting = blocked
        blocked = []
        for id in waiting {
            streams[id]?.isBlocked = false
            pump(id, into: &actions)
        }
    }

    /// Sends what waits on `id` as far as both credits go. One message may take a credit below zero: else a message
    /// above the credit could never leave.
    private mutating func pump(_ id: UInt32, into actions: inout Actions<Command>) {
        guard var stream = streams[id] else { return }
        while stream.credit > 0, credit > 0, let message = stream.waiting.popFirst() {
            let before = actions.output.writerIndex
            FrameEncoder.write(.message, stream: id, into: &actions.output) { [coding] in
                coding.write(message, into: &$0)
            }
            let cost = actions.output.writerIndex - before - FrameHeader.byteCount
            stream.credit -= cost
            credit -= cost
            actions.commands.append(.written(stream: id))
        }
        if !stream.waiting.isEmpty, !stream.isBlocked {
            stream.isBlocked = true
            blocked.append(id)
        }
        streams[id] = stream
        if stream.waiting.isEmpty, let (outcome, load) = stream.end {
            finished(id, outcome, load: load, into: &actions)
        }
    }

    // MARK: RESPONSE

    func writeResponse(
        _ id: UInt32, _ outcome: Result<Answer, RPCError>, load: LoadReport, into output: inout ByteBuffer
    ) {
        switch outcome {
        case .success(let answer): writeAnswer(id, answer, load: load, into: &output)
        case .failure(let error): writeError(id, error, load: load, into: &output)
        }
    }

    private func writeAnswer(_ id: UInt32, _ answer: Answer, load: LoadReport, into output: inout ByteBuffer) {
        let metadata = answer.metadata.packed()
        let bytes = ResponseTrailer.byteCount + metadata.count + answer.message.count
        guard metadata.count <= RequestHead.maxPartBytes, answer.message.count <= theirs.maxMessageBytes,
            bytes <= theirs.maxFrameBytes
        else {
            let error = RPCError(.resourceExhausted, "an answer of \(bytes) bytes is above the caller's limit")
            return writeError(id, error, load: load, into: &output)
        }
        FrameEncoder.write(.response, flags: .endStream, stream: id, into: &output) { [coding] in
            ResponseTrailer(load: load).write(packedDetails: [], packedMetadata: metadata, into: &$0)
            return coding.write(answer.message, into: &$0)
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
        let details = error.packed()
        FrameEncoder.write(.response, flags: .endStream, stream: id, into: &output) {
            ResponseTrailer(load: load, error: error).write(packedDetails: details, packedMetadata: [], into: &$0)
            return []
        }
    }
}
