import CMessages

/// Bytes that a message's descriptor allows, with every field set now and then.
enum ValidMessage {
    /// protobuf-c's enumerators (protobuf-c.h), which Swift does not import.
    private enum Kind {
        static let bool: UInt32 = 12
        static let enumeration: UInt32 = 13
        static let string: UInt32 = 14
        static let bytes: UInt32 = 15
        static let message: UInt32 = 16
        static let repeated: UInt32 = 2
    }

    static func bytes(
        _ descriptor: ProtobufCMessageDescriptor, _ chance: inout SmallChance, depth: Int = 0
    ) -> [UInt8] {
        var result: [UInt8] = []
        for field in UnsafeBufferPointer(start: descriptor.fields, count: Int(descriptor.n_fields)) {
            let isRepeated = field.label.rawValue == Kind.repeated
            for _ in 0..<chance.below(isRepeated ? 4 - min(3, depth) : 2) + (isRepeated ? 0 : 1) {
                result += value(field, &chance, depth)
            }
        }
        return result
    }

    private static func value(
        _ field: ProtobufCFieldDescriptor, _ chance: inout SmallChance, _ depth: Int
    ) -> [UInt8] {
        switch field.type.rawValue {
        case Kind.message:
            guard let inner = field.descriptor?.assumingMemoryBound(to: ProtobufCMessageDescriptor.self) else {
                return []
            }
            return tagged(field.id, bytes(inner.pointee, &chance, depth: depth + 1))
        case Kind.bytes, Kind.string:
            return tagged(field.id, (0..<chance.below(9)).map { _ in UInt8(97 + chance.below(26)) })
        case Kind.bool, Kind.enumeration:
            return varint(UInt64(field.id) << 3) + varint(UInt64(chance.below(2)))
        default:
            return varint(UInt64(field.id) << 3) + varint(chance.next() >> UInt64(chance.below(64)))
        }
    }

    private static func tagged(_ id: UInt32, _ bytes: [UInt8]) -> [UInt8] {
        varint(UInt64(id) << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    private static func varint(_ number: UInt64) -> [UInt8] {
        var (number, result) = (number, [UInt8]())
        while number > 0x7F {
            result.append(UInt8(truncatingIfNeeded: number) | 0x80)
            number >>= 7
        }
        return result + [UInt8(number)]
    }
}
