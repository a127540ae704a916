/// A method of one of the services that every server has, with the types of its messages.
struct ServiceMethod<Request: CMessage, Reply: CMessage>: Sendable {
    var name: String

    var messages: MethodMessages { MethodMessages(request: Request.descriptor, reply: Reply.descriptor) }

    static func request(_ call: Call) throws(RPCError) -> Request {
        try Request(unpacking: call.message, orElse: .invalidArgument)
    }

    static func reply(_ message: [UInt8]) throws(RPCError) -> Reply {
        try Reply(unpacking: message, orElse: .dataLoss)
    }
}

extension MethodTable {
    mutating func immediate<Request, Reply>(
        _ method: ServiceMethod<Request, Reply>, _ handler: @escaping @Sendable (Request, Peer) throws -> Reply
    ) {
        immediate(method.name, messages: method.messages) { call in
            Answer(try handler(try ServiceMethod<Request, Reply>.request(call), call.peer).packed())
        }
    }

    mutating func unary<Request, Reply>(
        _ method: ServiceMethod<Request, Reply>,
        _ handler: @escaping @Sendable (Request, Peer) async throws -> Reply
    ) {
        unary(method.name, messages: method.messages) { call in
            Answer(try await handler(try ServiceMethod<Request, Reply>.request(call), call.peer).packed())
        }
    }
}

extension Channel {
    func ask<Request, Reply>(
        _ method: ServiceMethod<Request, Reply>, _ request: Request, _ options: CallOptions
    ) async throws -> Reply {
        try ServiceMethod<Request, Reply>.reply(
            try await unary(method.name, request.packed(), options: options).message)
    }
}
