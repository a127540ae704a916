/// The methods of a server, by name and by number. Numbers follow the order of registration, from 1.
public struct MethodTable: Sendable {
    enum Handler: Sendable {
        case inPlace(InPlaceHandler)
        case immediate(@Sendable (Call) throws -> Answer)
        case unary(@Sendable (Call) async throws -> Answer)
        case onLoop(@Sendable (Call) async throws -> Answer)
        case clientStreaming(@Sendable (Call, RequestReader) async throws -> Answer)
        case serverStreaming(@Sendable (Call, ResponseWriter) async throws -> Metadata, onLoop: Bool)
        case bidirectional(@Sendable (Call, RequestReader, ResponseWriter) async throws -> Metadata)
    }

    struct Method: Sendable {
        var name: String
        var role: Role
        /// Nil: plain bytes, as far as reflection tells.
        var messages: MethodMessages?
        var handler: Handler
        /// Its calls last and do nothing; see ``MethodTable/watch(_:messages:_:)``.
        var isWatch = false

        var kind: MethodKind {
            switch handler {
            case .inPlace, .immediate, .unary, .onLoop: .unary
            case .clientStreaming: .clientStreaming
            case .serverStreaming: .serverStreaming
            case .bidirectional: .bidirectional
            }
        }
    }

    /// A bare function in an optional would be wrapped anew, on the heap, each time it is taken out.
    struct InPlaceEntry: Sendable {
        let handle: InPlaceHandler
    }

    private var methods: [Method] = []
    /// By index, as `methods`; copying one costs less than a whole method.
    private var inPlaceEntries: [InPlaceEntry?] = []

    public init() {}

    /// Names in the order of their numbers.
    public var names: [String] { methods.map(\.name) }

    /// A method with one request and one answer, run in a task. An ``RPCError`` that it throws is the call's status;
    /// any other error is logged and becomes INTERNAL. With role `.peer` only proven peers may call it. `messages` is
    /// what reflection tells of it.
    ///
    /// - Parameter onLoop: whether the task prefers the connection's event loop, which saves waking other threads: for
    ///   handlers that mostly wait. What they do between must not block, and they must not call an actor that counts
    ///   on calls to itself not to suspend (docs/decisions/0014).
    public mutating func unary(
        _ name: String, role: Role = .client, messages: MethodMessages? = nil, onLoop: Bool = false,
        _ handler: @escaping @Sendable (Call) async throws -> Answer
    ) {
        add(Method(name: name, role: role, messages: messages, handler: onLoop ? .onLoop(handler) : .unary(handler)))
    }

    /// A unary method whose handler runs on the connection's event loop, without a task: for answers from memory.
    /// It must not block.
    public mutating func immediate(
        _ name: String, role: Role = .client, messages: MethodMessages? = nil,
        _ handler: @escaping @Sendable (Call) throws -> Answer
    ) {
        add(Method(name: name, role: role, messages: messages, handler: .immediate(handler)))
    }

    /// A unary method for what is asked most: its handler runs on the connection's event loop like that of
    /// ``immediate(_:role:_:)``, looks at the request where it lies and writes its answer behind it, without an
    /// allocation of the RPC layer's. No metadata can be answered.
    public mutating func inPlace(
        _ name: String, role: Role = .client, messages: MethodMessages? = nil, _ handler: @escaping InPlaceHandler
    ) {
        add(Method(name: name, role: role, messages: messages, handler: .inPlace(handler)))
    }

    /// A method that answers with any number of messages. Writes wait for the caller to take them; what the handler
    /// returns ends the stream.
    ///
    /// - Parameter onLoop: as for ``unary(_:role:messages:onLoop:_:)``. The loop looks at its sockets when nothing is left
    ///   to run: a handler that could write without end, as far as its caller's credit goes, holds up everybody there.
    public mutating func serverStreaming(
        _ name: String, role: Role = .client, messages: MethodMessages? = nil, onLoop: Bool = false,
        _ handler: @escaping @Sendable (Call, ResponseWriter) async throws -> Metadata
    ) {
        add(Method(name: name, role: role, messages: messages, handler: .serverStreaming(handler, onLoop: onLoop)))
    }

    /// A method that takes any number of messages, and gives one answer, for which it need not have read them all.
    public mutating func clientStreaming(
        _ name: String, role: Role = .client, messages: MethodMessages? = nil,
        _ handler: @escaping @Sendable (Call, RequestReader) async throws -> Answer
    ) {
        add(Method(name: name, role: role, messages: messages, handler: .clientStreaming(handler)))
    }

    /// A method of many messages in both directions, in whatever order its two sides like.
    public mutating func bidirectional(
        _ name: String, role: Role = .client, messages: MethodMessages? = nil,
        _ handler: @escaping @Sendable (Call, RequestReader, ResponseWriter) async throws -> Metadata
    ) {
        add(Method(name: name, role: role, messages: messages, handler: .bidirectional(handler)))
    }

    /// A method with many answers whose calls wait for something to change, for as long as their callers like. They take no
    /// places among the requests in flight, but have places of their own.
    mutating func watch(
        _ name: String, messages: MethodMessages?,
        _ handler: @escaping @Sendable (Call, ResponseWriter) async throws -> Metadata
    ) {
        add(
            Method(
                name: name, role: .client, messages: messages, handler: .serverStreaming(handler, onLoop: false),
                isWatch: true))
    }

    func isWatch(_ number: UInt16) -> Bool {
        let index = Int(number) - 1
        return methods.indices.contains(index) && methods[index].isWatch
    }

    func isUnary(_ number: UInt16) -> Bool {
        let index = Int(number) - 1
        return methods.indices.contains(index) && methods[index].kind == .unary
    }

    private mutating func add(_ method: Method) {
        precondition(!methods.contains { $0.name == method.name }, "\(method.name) is registered twice")
        precondition(methods.count < Int(UInt16.max), "too many methods")
        methods.append(method)
        if case .inPlace(let handler) = method.handler {
            inPlaceEntries.append(InPlaceEntry(handle: handler))
        } else {
            inPlaceEntries.append(nil)
        }
    }

    /// An in-place method, or why it may not be run.
    func inPlaceEntry(_ number: UInt16, for role: Role) throws(RPCError) -> InPlaceEntry {
        let index = Int(number) - 1
        if inPlaceEntries.indices.contains(index), let entry = inPlaceEntries[index],
            role == .peer || methods[index].role == .client
        {
            return entry
        }
        throw RPCError(.permissionDenied, "\(try method(number, for: role).name) is not answered in place", ran: .no)
    }

    /// What a request may run, or why it may not.
    func method(_ number: UInt16, for role: Role) throws(RPCError) -> Method {
        let index = Int(number) - 1
        guard methods.indices.contains(index) else {
            throw RPCError(.unimplemented, "there is no method \(number)", ran: .no)
        }
        let method = methods[index]
        guard method.role == .client || role == .peer else {
            throw RPCError(.permissionDenied, "\(method.name) is for the cluster's own nodes", ran: .no)
        }
        return method
    }

    /// As reflection tells it.
    var shapes: [MethodShape] {
        methods.map { method in
            MethodShape(
                name: method.name, kind: method.kind, peersOnly: method.role == .peer,
                request: method.messages?.request.name ?? "", reply: method.messages?.reply.name ?? "")
        }
    }

    /// Of all requests and answers.
    var descriptors: [MessageDescriptor] { methods.compactMap(\.messages).flatMap { [$0.request, $0.reply] } }

    /// `rookery.Tweets` of `rookery.Tweets/Post`.
    static func service(of method: String) -> String {
        method.lastIndex(of: "/").map { String(method[..<$0]) } ?? method
    }

    /// The name of a method that a request has named by this number.
    func name(_ number: UInt16) -> String? {
        let index = Int(number) - 1
        return methods.indices.contains(index) ? methods[index].name : nil
    }

    /// As WELCOME tells it.
    var entries: [MethodEntry] {
        methods.enumerated().map { index, method in
            var isInPlace = false
            if case .inPlace = method.handler { isInPlace = true }
            return MethodEntry(number: UInt16(index + 1), name: method.name, kind: method.kind, isInPlace: isInPlace)
        }
    }
}
