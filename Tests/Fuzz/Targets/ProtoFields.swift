/// The fields of a protobuf message, read in the plainest way (protobuf.dev, "Encoding").
struct ProtoFields {
    struct Field {
        var number: UInt64
        /// Of a field with a length; empty for numbers.
        var bytes: [UInt8]
    }

    private(set) var fields: [Field] = []

    /// Nil when the bytes cannot be read.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let tag = Self.varint(&rest), let field = Self.field(tag, &rest) else { return nil }
            fields.append(field)
        }
    }

    func all(_ number: UInt64) -> [[UInt8]] { fields.filter { $0.number == number }.map(\.bytes) }

    private static func field(_ tag: UInt64, _ rest: inout ArraySlice<UInt8>) -> Field? {
        switch tag & 7 {
        case 0: return varint(&rest).map { _ in Field(number: tag >> 3, bytes: []) }
        case 1: return fixed(8, tag, &rest)
        case 2:
            guard let length = varint(&rest), length <= UInt64(rest.count) else { return nil }
            defer { rest = rest.dropFirst(Int(length)) }
            return Field(number: tag >> 3, bytes: Array(rest.prefix(Int(length))))
        case 5: return fixed(4, tag, &rest)
        default: return nil
        }
    }

    private static func fixed(_ count: Int, _ tag: UInt64, _ rest: inout ArraySlice<UInt8>) -> Field? {
        guard rest.count >= count else { return nil }
        rest = rest.dropFirst(count)
        return Field(number: tag >> 3, bytes: [])
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
