/// Bytes that no well-behaved other side sends. The connection ends with a CLOSE frame that carries both fields.
struct ProtocolViolation: Error, Equatable {
    var code: StatusCode
    var reason: String

    init(_ code: StatusCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    static func malformed(_ reason: String) -> ProtocolViolation { ProtocolViolation(.invalidArgument, reason) }
}
