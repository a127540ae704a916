import CRPCMessages

// Protos/services.proto, "Reflection".

struct ServicesRequest: CMessage {
    /// Empty: all.
    var service: String

    init(service: String) { self.service = service }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ServicesRequest>) {
        rookery__rpc__services_request__init(raw)
    }

    init(copying raw: Rookery__Rpc__ServicesRequest) { service = raw.service.text }

    func fill(_ raw: inout Rookery__Rpc__ServicesRequest, _ arena: borrowing Arena) {
        raw.service = arena.data(service)
    }
}

struct ServicesReply: CMessage {
    var services: [ServiceShape]

    init(services: [ServiceShape]) { self.services = services }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ServicesReply>) {
        rookery__rpc__services_reply__init(raw)
    }

    init(copying raw: Rookery__Rpc__ServicesReply) { services = ServiceShape.copies(raw.n_services, raw.services) }

    func fill(_ raw: inout Rookery__Rpc__ServicesReply, _ arena: borrowing Arena) {
        (raw.n_services, raw.services) = arena.messages(services)
    }
}

extension ServiceShape: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ServiceShape>) {
        rookery__rpc__service_shape__init(raw)
    }

    init(copying raw: Rookery__Rpc__ServiceShape) {
        self.init(name: raw.name.text, methods: MethodShape.copies(raw.n_methods, raw.methods))
    }

    func fill(_ raw: inout Rookery__Rpc__ServiceShape, _ arena: borrowing Arena) {
        raw.name = arena.data(name)
        (raw.n_methods, raw.methods) = arena.messages(methods)
    }
}

extension MethodShape: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__MethodShape>) {
        rookery__rpc__method_shape__init(raw)
    }

    init(copying raw: Rookery__Rpc__MethodShape) {
        self.init(
            name: raw.name.text, kind: UInt8(exactly: raw.kind).flatMap(MethodKind.init(rawValue:)),
            peersOnly: raw.peers_only != 0, request: raw.request.text, reply: raw.reply.text)
    }

    func fill(_ raw: inout Rookery__Rpc__MethodShape, _ arena: borrowing Arena) {
        raw.name = arena.data(name)
        raw.kind = UInt32(kind?.rawValue ?? .max)
        raw.peers_only = peersOnly ? 1 : 0
        raw.request = arena.data(request)
        raw.reply = arena.data(reply)
    }
}

struct ShapesRequest: CMessage {
    var message: String

    init(message: String) { self.message = message }

    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ShapesRequest>) {
        rookery__rpc__shapes_request__init(raw)
    }

    init(copying raw: Rookery__Rpc__ShapesRequest) { message = raw.message.text }

    func fill(_ raw: inout Rookery__Rpc__ShapesRequest, _ arena: borrowing Arena) { raw.message = arena.data(message) }
}

extension MessageFamily: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__ShapesReply>) {
        rookery__rpc__shapes_reply__init(raw)
    }

    init(copying raw: Rookery__Rpc__ShapesReply) {
        self.init(
            messages: MessageShape.copies(raw.n_messages, raw.messages),
            enums: EnumShape.copies(raw.n_enums, raw.enums))
    }

    func fill(_ raw: inout Rookery__Rpc__ShapesReply, _ arena: borrowing Arena) {
        (raw.n_messages, raw.messages) = arena.messages(messages)
        (raw.n_enums, raw.enums) = arena.messages(enums)
    }
}

extension MessageShape: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__MessageShape>) {
        rookery__rpc__message_shape__init(raw)
    }

    init(copying raw: Rookery__Rpc__MessageShape) {
        self.init(name: raw.name.text, fields: FieldShape.copies(raw.n_fields, raw.fields))
    }

    func fill(_ raw: inout Rookery__Rpc__MessageShape, _ arena: borrowing Arena) {
        raw.name = arena.data(name)
        (raw.n_fields, raw.fields) = arena.messages(fields)
    }
}

extension FieldShape: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__FieldShape>) {
        rookery__rpc__field_shape__init(raw)
    }

    init(copying raw: Rookery__Rpc__FieldShape) {
        self.init(
            name: raw.name.text, number: raw.number, label: Label(rawValue: raw.label.rawValue),
            type: FieldType(rawValue: raw.type.rawValue), typeName: raw.type_name.text)
    }

    func fill(_ raw: inout Rookery__Rpc__FieldShape, _ arena: borrowing Arena) {
        raw.name = arena.data(name)
        raw.number = number
        raw.label = Rookery__Rpc__FieldLabel(rawValue: label?.rawValue ?? 0)
        raw.type = Rookery__Rpc__FieldType(rawValue: type?.rawValue ?? 0)
        raw.type_name = arena.data(typeName)
    }
}

extension EnumShape: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__EnumShape>) { rookery__rpc__enum_shape__init(raw) }

    init(copying raw: Rookery__Rpc__EnumShape) {
        self.init(name: raw.name.text, values: Value.copies(raw.n_values, raw.values))
    }

    func fill(_ raw: inout Rookery__Rpc__EnumShape, _ arena: borrowing Arena) {
        raw.name = arena.data(name)
        (raw.n_values, raw.values) = arena.messages(values)
    }
}

extension EnumShape.Value: CMessage {
    static func prepare(_ raw: UnsafeMutablePointer<Rookery__Rpc__EnumValue>) { rookery__rpc__enum_value__init(raw) }

    init(copying raw: Rookery__Rpc__EnumValue) { self.init(name: raw.name.text, number: raw.number) }

    func fill(_ raw: inout Rookery__Rpc__EnumValue, _ arena: borrowing Arena) {
        raw.name = arena.data(name)
        raw.number = number
    }
}
