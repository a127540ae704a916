/// `rookery.Health`: whether a server, or one of its services, takes work. After gRPC's health service.
enum Health {
    static let check = ServiceMethod<HealthRequest, HealthReply>(name: "rookery.Health/Check")
    static let watch = ServiceMethod<HealthRequest, HealthReply>(name: "rookery.Health/Watch")

    static func register(in methods: inout MethodTable, board: HealthBoard) {
        methods.immediate(check) { request, _ in
            let status = board.status(of: request.service)
            guard status != .serviceUnknown else {
                throw RPCError(.notFound, "this server has no service \"\(request.service)\"")
            }
            return HealthReply(status)
        }
        methods.watch(watch.name, messages: watch.messages) { call, responses in
            let request = try ServiceMethod<HealthRequest, HealthReply>.request(call)
            return try await tell(request.service, from: board, to: responses)
        }
    }

    /// Ends only with the server, or when the caller has gone. The next change is asked for when the last one has left:
    /// nothing piles up for a caller that does not read.
    private static func tell(
        _ service: String, from board: HealthBoard, to responses: ResponseWriter
    ) async throws -> Metadata {
        var told = board.status(of: service)
        while true {
            try await responses.write(HealthReply(told).packed())
            switch try await board.news(of: service, after: told) {
            case .status(let status): told = status
            case .over: throw RPCError(.unavailable, "the server is shutting down", retryable: true)
            }
        }
    }
}

extension Channel {
    /// Asks whether a service of this server takes work; "" is the whole server. Throws an ``RPCError``: NOT_FOUND when
    /// there is no such service.
    public func health(of service: String = "", options: CallOptions = CallOptions()) async throws -> HealthStatus {
        try await ask(Health.check, HealthRequest(service: service), options).known()
    }

    /// The status of a service now, and then each other one that it comes to have; see ``HealthWatch``.
    public func watchHealth(of service: String = "", options: CallOptions = CallOptions()) -> HealthWatch {
        HealthWatch(serverStreaming(Health.watch.name, HealthRequest(service: service).packed(), options: options))
    }
}

/// What a server says of one of its services, as it changes. Letting go of it ends the call.
public struct HealthWatch: Sendable {
    private let call: StreamingCall

    init(_ call: StreamingCall) { self.call = call }

    /// The first status, and then the next other one; nil never comes from a server of this version. Throws the
    /// ``RPCError`` that the call ended with: UNAVAILABLE when the server stops, or is gone.
    public func next() async throws -> HealthStatus? {
        guard let message = try await call.next() else { return nil }
        return try ServiceMethod<HealthRequest, HealthReply>.reply(message).known()
    }

    public func cancel() { call.cancel() }
}
