import DequeModule
import NIOCore

/// Running handlers: each in a task, or at once on the loop.
extension ServerDriver {
    func start(_ stream: UInt32, _ request: ServerConnection.Request) {
        guard shared.meter.admit(peer.role) else {
            return refuse(stream, .tooMany("requests on this server", shared.configuration.maxInFlight))
        }
        running[stream] = Running(started: loop.now)
        do throws(RPCError) {
            let method = try shared.methods.method(request.head.method, for: peer.role)
            run(method, makeCall(method, request), on: stream)
        } catch {
            finished(stream, .failure(error))
        }
    }

    private func refuse(_ stream: UInt32, _ error: RPCError) {
        connection.finished(stream, .failure(error), load: shared.meter.report, into: &actions)
    }

    private func makeCall(_ method: MethodTable.Method, _ request: ServerConnection.Request) -> Call {
        Call(
            method: method.name, session: request.head.session, key: request.head.key,
            partition: request.head.partition, revision: request.head.revision, metadata: request.head.metadata,
            deadline: request.deadline, peer: peer, message: request.message)
    }

    private func run(_ method: MethodTable.Method, _ call: Call, on stream: UInt32) {
        switch method.handler {
        case .immediate(let handler):
            finished(stream, Result { try handler(call) })
        case .unary(let handler):
            runTask(stream) { try await handler(call) }
        case .serverStreaming(let handler):
            let writer = ResponseWriter { message in
                try await withUnsafeThrowingContinuation { self.post(.write(stream: stream, message, $0)) }
            }
            runTask(stream) { Answer(metadata: try await handler(call, writer)) }
        }
    }

    private func runTask(_ stream: UInt32, _ body: @escaping @Sendable () async throws -> Answer) {
        running[stream]?.task = Task {
            do {
                post(.finished(stream: stream, .success(try await body())))
            } catch {
                post(.finished(stream: stream, .failure(error)))
            }
        }
    }

    func finished(_ stream: UInt32, _ result: Result<Answer, any Error>) {
        guard let run = running.removeValue(forKey: stream) else { return }
        shared.meter.leave()
        latenciesUs.append(UInt32(clamping: (loop.now - run.started).nanoseconds / 1000))
        failWriters(stream, RPCError(.cancelled, "the handler has ended"))
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
        failWriters(stream, error)
    }

    func write(_ message: [UInt8], on stream: UInt32, _ continuation: WriteContinuation) {
        if let refusal = connection.refusal(of: message) { return continuation.resume(throwing: refusal) }
        guard connection.isOpen(stream), running[stream] != nil else {
            let ended = running[stream]?.ended ?? RPCError(.cancelled, "the call has ended", ran: .unknown)
            return continuation.resume(throwing: ended)
        }
        writers[stream, default: []].append(continuation)
        connection.send(message, on: stream, into: &actions)
        perform()
    }

    private func failWriters(_ stream: UInt32, _ error: RPCError) {
        guard let waiting = writers.removeValue(forKey: stream) else { return }
        for continuation in waiting { continuation.resume(throwing: error) }
    }
}
