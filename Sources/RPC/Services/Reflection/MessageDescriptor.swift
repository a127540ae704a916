import CRPCMessages

/// A message type as protobuf-c's generated code describes it.
///
/// `@unchecked Sendable`: what it points to are constants of the program.
public struct MessageDescriptor: @unchecked Sendable {
    private let raw: UnsafePointer<ProtobufCMessageDescriptor>

    /// - Parameter constant: a generated `ProtobufCMessageDescriptor`, which must never go away.
    public init(_ constant: UnsafeRawPointer) {
        raw = constant.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
    }

    /// The full name, for example `rookery.PostRequest`.
    public var name: String { String(cString: raw.pointee.name) }

    var shape: MessageShape {
        MessageShape(name: name, fields: fields.map(Self.shape).sorted { $0.number < $1.number })
    }

    /// The messages that its fields are of.
    var inner: [MessageDescriptor] {
        fields.filter { $0.type == PROTOBUF_C_TYPE_MESSAGE }.map { MessageDescriptor($0.descriptor) }
    }

    /// The enumerations that its fields are of.
    var enums: [EnumShape] {
        fields.filter { $0.type == PROTOBUF_C_TYPE_ENUM }.map { Self.shape(Self.enumeration($0).pointee) }
    }

    private var fields: UnsafeBufferPointer<ProtobufCFieldDescriptor> {
        UnsafeBufferPointer(start: raw.pointee.fields, count: Int(raw.pointee.n_fields))
    }

    private static func enumeration(_ field: ProtobufCFieldDescriptor) -> UnsafePointer<ProtobufCEnumDescriptor> {
        field.descriptor.assumingMemoryBound(to: ProtobufCEnumDescriptor.self)
    }

    private static func shape(_ field: ProtobufCFieldDescriptor) -> FieldShape {
        let typeName =
            switch field.type {
            case PROTOBUF_C_TYPE_MESSAGE: MessageDescriptor(field.descriptor).name
            case PROTOBUF_C_TYPE_ENUM: String(cString: enumeration(field).pointee.name)
            default: ""
            }
        return FieldShape(
            name: String(cString: field.name), number: field.id, label: label(field.label), type: type(field.type),
            typeName: typeName)
    }

    /// A value that bears another's number is that one's alias, and is left out by protobuf-c.
    private static func shape(_ descriptor: ProtobufCEnumDescriptor) -> EnumShape {
        let values = UnsafeBufferPointer(start: descriptor.values, count: Int(descriptor.n_values))
        return EnumShape(
            name: String(cString: descriptor.name),
            values: values.map { EnumShape.Value(name: String(cString: $0.name), number: $0.value) }
                .sorted { $0.number < $1.number })
    }

    private static func label(_ label: ProtobufCLabel) -> FieldShape.Label {
        switch label {
        case PROTOBUF_C_LABEL_REQUIRED: .required
        case PROTOBUF_C_LABEL_REPEATED: .repeated
        default: .optional
        }
    }

    private static func type(_ type: ProtobufCType) -> FieldShape.FieldType? {
        switch type {
        case PROTOBUF_C_TYPE_DOUBLE: .double
        case PROTOBUF_C_TYPE_FLOAT: .float
        case PROTOBUF_C_TYPE_INT64: .int64
        case PROTOBUF_C_TYPE_UINT64: .uint64
        case PROTOBUF_C_TYPE_INT32: .int32
        case PROTOBUF_C_TYPE_FIXED64: .fixed64
        case PROTOBUF_C_TYPE_FIXED32: .fixed32
        case PROTOBUF_C_TYPE_BOOL: .bool
        case PROTOBUF_C_TYPE_STRING: .string
        case PROTOBUF_C_TYPE_MESSAGE: .message
        case PROTOBUF_C_TYPE_BYTES: .bytes
        case PROTOBUF_C_TYPE_UINT32: .uint32
        case PROTOBUF_C_TYPE_ENUM: .enumeration
        case PROTOBUF_C_TYPE_SFIXED32: .sfixed32
        case PROTOBUF_C_TYPE_SFIXED64: .sfixed64
        case PROTOBUF_C_TYPE_SINT32: .sint32
        case PROTOBUF_C_TYPE_SINT64: .sint64
        default: nil
        }
    }
}

/// The messages of a method: one request's (of a method that takes many, each one's) and one answer's.
public struct MethodMessages: Sendable {
    var request: MessageDescriptor
    var reply: MessageDescriptor

    init(request: MessageDescriptor, reply: MessageDescriptor) {
        self.request = request
        self.reply = reply
    }

    /// Both are generated `ProtobufCMessageDescriptor`s, constants of the program; see ``MessageDescriptor``.
    public init(request: UnsafeRawPointer, reply: UnsafeRawPointer) {
        self.init(request: MessageDescriptor(request), reply: MessageDescriptor(reply))
    }
}
