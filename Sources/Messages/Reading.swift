import CMessages

// What the generated `init(copying:)` calls: copies out of the arena into Swift values.

func readBytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    [UInt8](UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
}

func readText(_ data: ProtobufCBinaryData, field: String) throws(DecodingFailure) -> String {
    let buffer = UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len)
    guard let text = String(validating: buffer, as: UTF8.self) else { throw .invalidUTF8(field: field) }
    return text
}

func readMessage<M: CBacked>(_ raw: UnsafeMutablePointer<M.Raw>?) throws(DecodingFailure) -> M? {
    guard let raw else { return nil }
    return try M(copying: raw)
}

/// A number that this version does not know may mean something stricter: it is refused, never taken for the zero.
func readEnum<E: RawRepresentable<UInt32>>(_ number: UInt32, field: String) throws(DecodingFailure) -> E {
    guard let value = E(rawValue: number) else { throw .unknownValue(field: field) }
    return value
}

func readBytes(count: Int, from array: UnsafeMutablePointer<ProtobufCBinaryData>?) -> [[UInt8]] {
    UnsafeBufferPointer(start: array, count: count).map { readBytes($0) }
}

func readTexts(
    count: Int, from array: UnsafeMutablePointer<ProtobufCBinaryData>?, field: String
) throws(DecodingFailure) -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(count)
    for data in UnsafeBufferPointer(start: array, count: count) { texts.append(try readText(data, field: field)) }
    return texts
}

func readScalars<T>(count: Int, from array: UnsafeMutablePointer<T>?) -> [T] {
    [T](UnsafeBufferPointer(start: array, count: count))
}

func readMessages<M: CBacked>(
    count: Int, from array: UnsafeMutablePointer<UnsafeMutablePointer<M.Raw>?>?
) throws(DecodingFailure) -> [M] {
    var messages: [M] = []
    messages.reserveCapacity(count)
    for raw in UnsafeBufferPointer(start: array, count: count) {
        guard let raw else { continue }
        messages.append(try M(copying: raw))
    }
    return messages
}
