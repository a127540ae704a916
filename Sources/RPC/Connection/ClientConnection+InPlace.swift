import NIOCore

/// What a call that was made in place ended with.
struct InPlaceResult {
    let caller: Int
    let token: Int
    let load: LoadReport
    /// The message, where it lies in what came.
    let payload: ByteBuffer
    /// nil: it succeeded.
    var error: RPCError?
}

/// Unary calls that are written where they leave from and read where they arrive.
extension ClientConnection {
    /// A request's bytes up to its message, which are the same for all calls with these options.
    ///
    /// - Returns: nil when such calls must be refused, which `call` does with the reason.
    func template(_ method: String, _ options: CallOptions) -> [UInt8]? {
        let metadata = options.metadata.packed()
        guard let method = methods[method], method.kind == .unary, options.metadata.refusal == nil,
            metadata.count <= Metadata.maxPackedBytes, options.session.count <= RequestHead.maxPartBytes
        else { return nil }
        var head = RequestHead(method: method.number)
        (head.revision, head.key, head.partition) = (options.revision, options.key, options.partition)
        head.session = options.session
        return head.template(packedMetadata: metadata)
    }

    /// Makes a call whose message `body` appends; `canSend` must be true and nobody wait.
    ///
    /// - Parameter head: from `template`.
    /// - Returns: whether it could be made; its result will stand in `inPlaceResults`. False, too, when its time is over,
    ///   when ids have run out, and when too much waits to leave: `call` has a reason, or a place for it.
    mutating func callInPlace(
        _ stream: InPlaceStream, head: [UInt8], deadline: NIODeadline?, now: NIODeadline,
        into output: inout ByteBuffer, body: (inout ByteBuffer) -> Void
    ) -> Bool {
        guard takesCalls, output.hasRoom, deadline.map({ $0 > now }) ?? true else { return false }
        let start = output.writerIndex
        write(head, remainingMs: deadline.map { Self.remainingMs(until: $0, now: now) } ?? 0, into: &output)
        let messageStart = output.writerIndex
        body(&output)
        let bytes = output.writerIndex - messageStart
        guard bytes <= theirs.maxMessageBytes, bytes + head.count <= theirs.maxFrameBytes else {
            output.moveWriterIndex(to: start)
            return false
        }
        let id = nextStream
        nextStream += 2
        lastBusy = now
        inPlace.insert(stream, for: id)
        traffic.calls += 1
        if let deadline { deadlines.insert(id, deadline: deadline) }
        let flags = coding.compress(from: messageStart, in: &output)
        FrameEncoder.writeHeader(.request, flags: flags.union(.endStream), stream: id, at: start, into: &output)
        return true
    }

    /// Room for the frame's header, then the head.
    private func write(_ head: [UInt8], remainingMs: UInt32, into output: inout ByteBuffer) {
        let bytes = FrameHeader.byteCount + head.count
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes) { target in
            let target = UnsafeMutableRawBufferPointer(rebasing: target[FrameHeader.byteCount..<bytes])
            head.withUnsafeBytes { target.copyMemory(from: $0) }
            target.storeBytes(
                of: remainingMs.littleEndian, toByteOffset: RequestHead.remainingOffset, as: UInt32.self)
            return bytes
        }
    }

    /// RESPONSE to a call that was made in place; false when it is none.
    mutating func respondedInPlace(_ frame: Frame) throws(ProtocolViolation) -> Bool {
        guard let stream = inPlace[frame.stream] else { return false }
        var payload = frame.payload
        var error: RPCError?
        let load: LoadReport
        if let plain = ResponseTrailer.plainSuccess(payload) {
            payload.moveReaderIndex(forwardBy: ResponseTrailer.byteCount)
            load = plain
        } else {
            let trailer = try ResponseTrailer(from: &payload)
            (load, error) = (trailer.load, trailer.error)
        }
        if error == nil {
            if frame.flags.contains(.compressed) {
                payload = ByteBuffer(bytes: try coding.read(payload, flags: frame.flags))
            } else {
                try coding.checkSize(payload.readableBytes)
            }
        }
        // Only now: a frame that cannot be read ends the connection, and this call with it.
        inPlace.removeValue(forKey: frame.stream)
        sweepDeadlines()
        inPlaceResults.append(
            InPlaceResult(caller: stream.caller, token: stream.token, load: load, payload: payload, error: error))
        return true
    }

    /// What was sent in place has left no request to make again.
    mutating func fail(inPlace id: UInt32, _ error: RPCError) {
        guard let stream = inPlace.removeValue(forKey: id) else { return }
        sweepDeadlines()
        let load = error.load ?? LoadReport()
        inPlaceResults.append(
            InPlaceResult(caller: stream.caller, token: stream.token, load: load, payload: ByteBuffer(), error: error))
    }
}
