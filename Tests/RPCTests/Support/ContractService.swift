import NIOCore

@testable import RPC

/// What a caller of ``ContractService`` asks for: so many bytes, sent so. The rest of the request is ballast.
struct Order {
    static let byteCount = 5

    var bytes: Int
    var compression: Compression = .automatic

    /// The order as a message of `size` bytes.
    func message(size: Int = byteCount) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt32(bytes), endianness: .little)
        buffer.writeInteger(Self.compressions.firstIndex(of: compression).map(UInt8.init) ?? 0)
        buffer.writeRepeatingByte(0, count: max(0, size - Self.byteCount))
        return Array(buffer.readableBytesView)
    }

    init(bytes: Int, compression: Compression = .automatic) {
        self.bytes = bytes
        self.compression = compression
    }

    init(from buffer: inout ByteBuffer) throws {
        guard let (bytes, compression) = buffer.readMultipleIntegers(endianness: .little, as: (UInt32, UInt8).self),
            Self.compressions.indices.contains(Int(compression))
        else { throw RPCError(.invalidArgument, "this is no order") }
        self.bytes = Int(bytes)
        self.compression = Self.compressions[Int(compression)]
    }

    private static let compressions: [Compression] = [.automatic, .always, .never]

    /// Filled with zeroes, as gRPC's interoperability tests do.
    var body: [UInt8] { [UInt8](repeating: 0, count: bytes) }
}

/// The test service of the contract: after gRPC's `TestService` (doc/interop-test-descriptions.md there), with messages
/// that are plain bytes. Metadata comes back twice, ahead of the answer and with its status.
enum ContractService {
    static let empty = "contract.Test/Empty"
    /// Takes an ``Order`` and serves it; `request` and `compressed` in the trailing metadata say what came.
    static let unary = "contract.Test/Unary"
    /// Adds up the bytes of all messages: a u32.
    static let sum = "contract.Test/Sum"
    /// Takes any number of orders in one message, and serves each with a message.
    static let parts = "contract.Test/Parts"
    /// Takes an order a message, and serves it before the next one.
    static let chat = "contract.Test/Chat"
    /// Fails with the code in the first byte, and the text in the others.
    static let fail = "contract.Test/Fail"
    static let failChat = "contract.Test/FailChat"

    static func methods(_ fill: (inout MethodTable) -> Void = { _ in }) -> MethodTable {
        MethodTable.make { methods in
            methods.unary(empty) { _ in Answer() }
            methods.unary(unary, serve)
            methods.clientStreaming(sum, add)
            methods.serverStreaming(parts, serveAll)
            methods.bidirectional(chat, talk)
            methods.unary(fail) { throw failure($0.message) }
            methods.bidirectional(failChat) { _, requests, _ in throw failure(try await requests.next() ?? []) }
            fill(&methods)
        }
    }

    @Sendable private static func serve(_ call: Call) throws -> Answer {
        var request = ByteBuffer(bytes: call.message)
        let order = try Order(from: &request)
        var trailing = call.metadata
        trailing[text: "request"] = "\(call.message.count)"
        trailing[text: "compressed"] = "\(call.isCompressed)"
        return Answer(
            order.body, initialMetadata: call.metadata, metadata: trailing, compression: order.compression)
    }

    @Sendable private static func add(_ call: Call, _ requests: RequestReader) async throws -> Answer {
        var sum = 0
        for try await message in requests { sum += message.count }
        var answer = ByteBuffer()
        answer.writeInteger(UInt32(sum), endianness: .little)
        return Answer(Array(answer.readableBytesView), initialMetadata: call.metadata, metadata: call.metadata)
    }

    @Sendable private static func serveAll(_ call: Call, _ responses: ResponseWriter) async throws -> Metadata {
        try await responses.start(call.metadata)
        var orders = ByteBuffer(bytes: call.message)
        while orders.readableBytes > 0 {
            let order = try Order(from: &orders)
            try await responses.write(order.body, compression: order.compression)
        }
        return call.metadata
    }

    @Sendable private static func talk(
        _ call: Call, _ requests: RequestReader, _ responses: ResponseWriter
    ) async throws -> Metadata {
        try await responses.start(call.metadata)
        for try await message in requests {
            var message = ByteBuffer(bytes: message)
            let order = try Order(from: &message)
            try await responses.write(order.body, compression: order.compression)
        }
        return call.metadata
    }

    private static func failure(_ message: [UInt8]) -> RPCError {
        let code = message.first.flatMap(StatusCode.init) ?? .unknown
        return RPCError(code, String(decoding: message.dropFirst(), as: UTF8.self))
    }
}
