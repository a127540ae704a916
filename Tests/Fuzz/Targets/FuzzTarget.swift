/// One place where bytes from outside are read: a name, and a check that must hold for every input. The fuzzer and the
/// replay of the corpus run the same checks.
struct FuzzTarget: Sendable {
    /// As the corpus folder is called.
    let name: String
    /// Longer inputs find no more, and take longer.
    var mostBytes = 1024
    /// Throws ``Broken`` when the input shows a fault; a crash is one as well.
    let check: @Sendable (inout FuzzInput) throws -> Void
    /// Valid inputs to begin with.
    let seeds: @Sendable () throws -> [[UInt8]]

    static let all: [FuzzTarget] =
        [
            .frames, .serverHandshake, .clientHandshake, .requestHead, .responseTrailer, .metadata, .control,
            .compression, .serverConnection, .clientConnection, .rpcMessages, .serviceMessages,
        ] + MessageList.files.map { .messages(of: $0.proto, $0.messages) }

    func run(_ bytes: UnsafeRawBufferPointer) throws {
        var input = FuzzInput(bytes)
        try check(&input)
    }
}

/// A property that some input breaks.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// - Parameter property: what should hold, as a sentence; made only when it does not.
func hold(_ condition: Bool, _ property: @autoclosure () -> String) throws(Broken) {
    guard condition else { throw Broken(property()) }
}
