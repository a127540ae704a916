import NIOCore

/// Running handlers: each in a task, or at once on the loop.
extension ServerDriver {
    func start(_ stream: UInt32, _ request: ServerConnection.Request) {
        let mayBegin = waitingCalls.isEmpty && hasRoomForWork && connection.maySay(actions.output)
        guard mayBegin || !shared.methods.isUnary(request.head.method) else {
            if hasRoomForWork { connection.isHeldUp = true }
            waitingCallBytes += request.bytes
            return waitingCalls.append((stream, request))
        }
        begin(stream, request)
    }

    /// Who asks with much may be answered with as much: what runs, and what it gave and waits for the socket, leave half of
    /// what may wait to that.
    var hasRoomForWork: Bool { 2 * (runningBytes + connection.heldBytes) < shared.configuration.maxWaitingBytes }

    var mayBeginWaiting: Bool {
        !waitingCalls.isEmpty
            && (connection.phase != .open || (hasRoomForWork && connection.maySay(actions.output)))
    }

    /// Those for whose answers there is room now. Who was cancelled meanwhile only gives the stream's place back.
    func startWaiting() {
        while mayBeginWaiting {
            let next = waitingCalls.removeFirst()
            waitingCallBytes -= next.request.bytes
            if connection.isOpen(next.stream) {
                begin(next.stream, next.request)
            } else {
                refuse(next.stream, RPCError(.cancelled, "the call has ended", ran: .no))
            }
        }
    }

    private func begin(_ stream: UInt32, _ request: ServerConnection.Request) {
        let isWatch = shared.methods.isWatch(request.head.method)
        if let error = isWatch ? admitWatch() : admit() { return refuse(stream, error) }
        running[stream] = Running(started: loop.now, isWatch: isWatch, requestBytes: request.bytes)
        runningBytes += request.bytes
        do throws(RPCError) {
            let method = try shared.methods.method(request.head.method, for: peer.role)
            run(method, makeCall(method, request), on: stream)
        } catch {
            finished(stream, .failure(error))
        }
    }

    /// Takes a place, or says why there is none.
    private func admit() -> RPCError? {
        shared.meter.admit(peer.role) ? nil : .tooMany("requests on this server", shared.configuration.maxInFlight)
    }

    private static let mostWatches = 16

    private func admitWatch() -> RPCError? {
        guard watches < Self.mostWatches else { return .tooMany("watches on this connection", Self.mostWatches) }
        guard shared.meter.admitWatch() else { return .tooMany("watches on this server", LoadMeter.mostWatches) }
        watches += 1
        return nil
    }

    /// Gives the place back. How long a watch took says nothing of the server.
    private func leave(_ run: Running) {
        runningBytes -= run.requestBytes
        guard !run.isWatch else {
            watches -= 1
            return shared.meter.leaveWatch()
        }
        shared.meter.leave()
        latenciesUs.append(UInt32(clamping: (loop.now - run.started).nanoseconds / 1000))
    }

    /// What is done before it returns takes no place among the requests in flight.
    func answerInPlace() {
        swap(&answering, &connection.inPlace)
        let load = shared.meter.report
        var output = ByteBuffer()
        swap(&output, &actions.output)
        let answered = connection.answer(answering, load: load, into: &output) {
            [shared, peer] request, answer throws(RPCError) in
            let entry = try shared.methods.inPlaceEntry(request.head.method, for: peer.role)
            try request.withCall(from: peer) { call throws(RPCError) in try entry.handle(call, &answer) }
        }
        swap(&output, &actions.output)
        answeredInPlace += answered
        if answered < answering.count { connection.putBack(answering[answered...]) }
        answering.removeAll(keepingCapacity: true)
        connection.closeIfDone(into: &actions)
    }

    private func refuse(_ stream: UInt32, _ error: RPCError) {
        connection.finished(stream, .failure(error), load: shared.meter.report, into: &actions)
    }

    private func makeCall(_ method: MethodTable.Method, _ request: ServerConnection.Request) -> Call {
        Call(
            method: method.name, session: request.head.session, key: request.head.key,
            partition: request.head.partition, revision: request.head.revision, metadata: request.head.metadata,
            deadline: request.deadline, peer: peer, message: request.message, isCompressed: request.isCompressed)
    }

    private func run(_ method: MethodTable.Method, _ call: Call, on stream: UInt32) {
        switch method.handler {
        case .inPlace: preconditionFailure("an in-place method's requests are not started")
        case .immediate(let handler):
            finished(stream, Result { try handler(call) })
        case .unary(let handler):
            running[stream]?.task = Task { await self.end(stream) { try await handler(call) } }
        case .onLoop(let handler):
            running[stream]?.task = Task(executorPreference: executor) {
                await self.end(stream) { try await handler(call) }
            }
        case .clientStreaming(let handler):
            let reader = makeReader(stream)
            running[stream]?.task = Task { await self.end(stream) { try await handler(call, reader) } }
        case .serverStreaming(let handler, let onLoop):
            let writer = makeWriter(stream)
            running[stream]?.task = Task(executorPreference: onLoop ? executor : nil) {
                await self.end(stream) { Answer(metadata: try await handler(call, writer)) }
            }
        case .bidirectional(let handler):
            let (reader, writer) = (makeReader(stream), makeWriter(stream))
            running[stream]?.task = Task {
                await self.end(stream) { Answer(metadata: try await handler(call, reader, writer)) }
            }
        }
    }

    /// In the handler's task, which is made where its call is known: a closure handed on would be one more on the heap.
    private func end(_ stream: UInt32, _ handle: () async throws -> Answer) async {
        do {
            post(.finished(stream: stream, .success(try await handle())))
        } catch {
            post(.finished(stream: stream, .failure(error)))
        }
    }

    private func makeWriter(_ stream: UInt32) -> ResponseWriter {
        ResponseWriter { part in
            try await withUnsafeThrowingContinuation { self.post(.write(stream: stream, part, $0)) }
        }
    }

    private func makeReader(_ stream: UInt32) -> RequestReader {
        let queue = RequestQueue(counting: unread)
        running[stream]?.requests = queue
        return RequestReader {
            switch await queue.next() {
            case .message(let message, let credit):
                if credit > 0 { self.post(.consumed(stream: stream, credit)) }
                return message
            case .end(let error):
                if let error { throw error }
                return nil
            }
        }
    }

    func finished(_ stream: UInt32, _ result: Result<Answer, any Error>) {
        guard let run = running.removeValue(forKey: stream) else { return }
        leave(run)
        writers.fail(stream, RPCError(.cancelled, "the handler has ended"))
        if let unread = run.requests?.discard() { connection.consumed(unread, on: stream, into: &actions) }
        let outcome = result.mapError { status(of: $0) }
        connection.finished(stream, outcome, load: shared.meter.report, into: &actions)
    }

    /// An error that is no status is a fault of ours: it is logged, and its text does not leave the server.
    private func status(of error: any Error) -> RPCError {
        if let error = error as? RPCError { return error }
        if error is CancellationError { return RPCError(.cancelled, "the call was cancelled", ran: .unknown) }
        shared.logger.error("a handler failed", metadata: ["error": "\(error)"])
        return RPCError(.internalError, "the server failed on this request", ran: .unknown)
    }

    /// Nothing more is said on this stream.
    func cancel(_ stream: UInt32, _ error: RPCError) {
        running[stream]?.ended = error
        running[stream]?.task?.cancel()
        running[stream]?.requests?.end(error)
        writers.fail(stream, error)
    }

    func write(_ part: ResponseWriter.Part, on stream: UInt32, _ continuation: WaitingWriters.Continuation) {
        guard connection.isOpen(stream), let run = running[stream], run.ended == nil else {
            let ended = running[stream]?.ended ?? RPCError(.cancelled, "the call has ended", ran: .unknown)
            return continuation.resume(throwing: ended)
        }
        switch part {
        case .metadata(let metadata):
            let error = connection.say(metadata, on: stream, into: &actions)
            continuation.resume(with: error.map { .failure($0) } ?? .success(()))
        case .message(let message, let compression):
            if let refusal = connection.refusal(of: message) { return continuation.resume(throwing: refusal) }
            writers.append(continuation, on: stream)
            connection.send(.init(bytes: message, compression: compression), on: stream, into: &actions)
            perform()
        }
    }
}
