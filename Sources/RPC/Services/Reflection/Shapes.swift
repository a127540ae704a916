/// A service and its methods, as a server tells them.
public struct ServiceShape: Hashable, Sendable {
    public var name: String
    /// In the order of their numbers.
    public var methods: [MethodShape]
}

public struct MethodShape: Hashable, Sendable {
    /// The full name, for example `rookery.Tweets/Post`.
    public var name: String
    /// Nil: one that this version does not know.
    public var kind: MethodKind?
    public var peersOnly: Bool
    /// A message's full name; empty when the method takes plain bytes.
    public var request: String
    public var reply: String
}

/// A message type and its fields.
public struct MessageShape: Hashable, Sendable {
    /// The full name, for example `rookery.PostRequest`.
    public var name: String
    /// By number, ascending.
    public var fields: [FieldShape]
}

public struct FieldShape: Hashable, Sendable {
    /// The numbers are those of `google.protobuf.FieldDescriptorProto`, as are those of the types.
    public enum Label: UInt32, Sendable, CaseIterable {
        case optional = 1
        case required = 2
        case repeated = 3
    }

    public enum FieldType: UInt32, Sendable, CaseIterable {
        case double = 1
        case float, int64, uint64, int32, fixed64, fixed32, bool, string
        case message = 11
        case bytes, uint32, enumeration, sfixed32, sfixed64, sint32, sint64

        /// As a .proto file has it; of a message and an enumeration the field's ``FieldShape/typeName`` says more.
        public var name: String { self == .enumeration ? "enum" : "\(self)" }
    }

    public var name: String
    public var number: UInt32
    /// Nil: one that this version does not know.
    public var label: Label?
    public var type: FieldType?
    /// The full name of the message or the enumeration; else empty.
    public var typeName: String
}

/// An enumeration and its values.
public struct EnumShape: Hashable, Sendable {
    public struct Value: Hashable, Sendable {
        public var name: String
        public var number: Int32
    }

    public var name: String
    /// By number, ascending.
    public var values: [Value]
}

/// A message with all that it holds, directly or not.
public struct MessageFamily: Hashable, Sendable {
    /// The one that was asked for, then the others, nearer ones first.
    public var messages: [MessageShape]
    public var enums: [EnumShape]
}
