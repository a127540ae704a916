import NIOCore

/// Answers that are ready and wait, in their streams' places, behind messages or for the socket.
extension ServerConnection {
    /// Above the bound an answer becomes an error, which takes next to nothing: the call may be made again.
    mutating func hold(_ id: UInt32, _ outcome: Result<Answer, RPCError>, _ load: LoadReport) {
        var held = HeldAnswer()
        held.succeeded = writeResponse(id, outcome, load: load, into: &held.frames)
        if heldBytes + held.frames.readableBytes > configuration.maxHeldBytes {
            held = HeldAnswer()
            writeResponse(id, .failure(shortened(outcome)), load: load, into: &held.frames)
        }
        heldBytes += held.frames.readableBytes
        streams[id]?.end = held
    }

    /// The same, or that it was too much, in a few bytes.
    private func shortened(_ outcome: Result<Answer, RPCError>) -> RPCError {
        guard case .failure(var error) = outcome else {
            let limit = configuration.maxHeldBytes
            return RPCError(
                .resourceExhausted, "more than \(limit) bytes of answers wait for their caller", retryable: true)
        }
        (error.details, error.metadata) = ([], Metadata())
        return error
    }

    mutating func takeEnd(_ id: UInt32) -> HeldAnswer? {
        guard let held = streams[id]?.end else { return nil }
        heldBytes -= held.frames.readableBytes
        streams[id]?.end = nil
        return held
    }

    /// Says what waits for the socket, as far as that goes: messages, which were there first, and then answers.
    mutating func letOut(into actions: inout Actions<Command>) {
        var sent: [UInt32] = []
        outgoing.goOn(&coding, into: &actions.output) { sent.append($0) }
        went(sent, into: &actions)
        letOutAnswers(into: &actions)
    }

    mutating func letOutAnswers(into actions: inout Actions<Command>) {
        while maySay(actions.output), let id = heldAnswers.popFirst() {
            guard var held = takeEnd(id) else { continue }
            actions.output.writeBuffer(&held.frames)
            traffic.count(succeeded: held.succeeded)
            remove(id, into: &actions)
        }
        if !heldAnswers.isEmpty { isHeldUp = true }
    }
}
