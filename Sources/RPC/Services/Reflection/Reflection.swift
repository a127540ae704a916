/// `rookery.Reflection`: what may be called here, and what the messages hold.
enum Reflection {
    static let services = ServiceMethod<ServicesRequest, ServicesReply>(name: "rookery.Reflection/Services")
    static let shapes = ServiceMethod<ShapesRequest, MessageFamily>(name: "rookery.Reflection/Shapes")

    static func register(in methods: inout MethodTable, index: ShapeIndex) {
        methods.immediate(services) { request, _ in
            if request.service.isEmpty { return ServicesReply(services: index.services) }
            guard let service = index.service(request.service) else {
                throw RPCError(.notFound, "this server has no service \"\(request.service)\"")
            }
            return ServicesReply(services: [service])
        }
        methods.immediate(shapes) { request, _ in
            guard let family = index.family(of: request.message) else {
                throw RPCError(.notFound, "no method of this server has a message \"\(request.message)\"")
            }
            return family
        }
    }
}

extension Channel {
    /// The services of this server, or one of them. Throws an ``RPCError``: NOT_FOUND when there is no such service.
    public func services(
        named service: String? = nil, options: CallOptions = CallOptions()
    ) async throws -> [ServiceShape] {
        try await ask(Reflection.services, ServicesRequest(service: service ?? ""), options).services
    }

    /// A message of this server's methods, with all that it holds. Throws an ``RPCError``: NOT_FOUND when no method has
    /// to do with it.
    public func message(named name: String, options: CallOptions = CallOptions()) async throws -> MessageFamily {
        try await ask(Reflection.shapes, ShapesRequest(message: name), options)
    }
}
