import Messages
import NIOCore
import NIOPosix
import RPC

/// The methods by which a client in another language tries itself, and which the benchmark calls (Protos/test.proto).
/// They keep nothing and touch nothing.
public enum TestService {
    /// A message, an answer and a sleep are bounded, as everybody may ask for them.
    static let maxAnswerBytes = 1 << 20
    static let maxSleepMs: UInt32 = 10_000
    static let maxMessages = 10_000

    public static func register(in methods: inout MethodTable) {
        let echoes = MethodMessages(request: Echo.descriptor, reply: Echo.descriptor)
        let messages = MethodMessages(request: TestRequest.descriptor, reply: TestReply.descriptor)
        methods.inPlace("rookery.Test/Echo", messages: echoes, echo)
        methods.unary("rookery.Test/Unary", messages: messages, unary)
        methods.serverStreaming("rookery.Test/Download", messages: messages, onLoop: true, download)
        methods.clientStreaming("rookery.Test/Upload", messages: messages, upload)
        methods.bidirectional("rookery.Test/Chat", messages: messages, chat)
    }

    /// Unpacked, and packed again, without a copy in between.
    @Sendable private static func echo(_ call: borrowing InPlaceCall, _ answer: inout ByteBuffer) throws(RPCError) {
        do throws(DecodingFailure) {
            try EchoView.read(call.message, in: threadScratch.scratch) { echo in
                _ = answer.writeWithUnsafeMutableBytes(minimumWritableBytes: EchoView.packedSize(echo.payload)) {
                    EchoView.pack(echo.payload, into: $0)
                }
            }
        } catch {
            throw RPCError(.invalidArgument, "\(error)")
        }
    }

    /// Answers as the request says, and sends the call's metadata back: ahead of the answer and behind it.
    @Sendable private static func unary(_ call: Call) async throws -> Answer {
        let request = try decode(call.message)
        return Answer(
            try await reply(to: request, isCompressed: call.isCompressed).encode(), initialMetadata: call.metadata,
            metadata: call.metadata, compression: compression(request))
    }

    @Sendable private static func download(_ call: Call, _ responses: ResponseWriter) async throws -> Metadata {
        let request = try decode(call.message)
        guard request.sizes.count <= maxMessages, request.sizes.allSatisfy({ $0 <= maxAnswerBytes }) else {
            throw RPCError(.invalidArgument, "at most \(maxMessages) messages of \(maxAnswerBytes) bytes", ran: .no)
        }
        try await responses.start(call.metadata)
        var (last, message): (UInt32, [UInt8]) = (0, TestReply().encode())
        for size in request.sizes {
            if size != last {
                message = TestReply.with { $0.payload = [UInt8](repeating: 0, count: Int(size)) }.encode()
                last = size
            }
            try await responses.write(message, compression: compression(request))
        }
        _ = try await reply(to: request, isCompressed: call.isCompressed)
        return call.metadata
    }

    @Sendable private static func upload(_ call: Call, _ requests: RequestReader) async throws -> Answer {
        var sum = TestReply()
        for try await message in requests {
            let request = try decode(message)
            _ = try await reply(to: request, isCompressed: false)
            sum.bytes += UInt64(request.payload.count)
            sum.messages += 1
        }
        return Answer(sum.encode(), metadata: call.metadata)
    }

    @Sendable private static func chat(
        _ call: Call, _ requests: RequestReader, _ responses: ResponseWriter
    ) async throws -> Metadata {
        try await responses.start(call.metadata)
        for try await message in requests {
            let request = try decode(message)
            let reply = try await reply(to: request, isCompressed: false)
            try await responses.write(reply.encode(), compression: compression(request))
        }
        return call.metadata
    }

    private static func decode(_ message: [UInt8]) throws(RPCError) -> TestRequest {
        do throws(DecodingFailure) {
            return try TestRequest.decode(message)
        } catch {
            throw RPCError(.invalidArgument, "\(error)")
        }
    }

    private static func reply(to request: TestRequest, isCompressed: Bool) async throws -> TestReply {
        guard request.answerBytes <= maxAnswerBytes, request.sleepMs <= maxSleepMs else {
            throw RPCError(.invalidArgument, "at most \(maxAnswerBytes) bytes and \(maxSleepMs) ms", ran: .no)
        }
        if request.sleepMs > 0 { try await Task.sleep(for: .milliseconds(Int64(request.sleepMs))) }
        if request.status != 0 {
            let code = UInt8(exactly: request.status).flatMap(StatusCode.init(rawValue:)) ?? .unknown
            throw RPCError(code, request.statusMessage)
        }
        return TestReply.with {
            $0.payload = [UInt8](repeating: 0, count: Int(request.answerBytes)) + request.payload
            $0.wasCompressed = isCompressed
        }
    }

    private static func compression(_ request: TestRequest) -> Compression {
        switch request.compression {
        case 1: .always
        case 2: .never
        default: .automatic
        }
    }

    /// Each event loop has its own thread, and so its own arena.
    private static let threadScratch = ThreadSpecificVariable<ScratchBox>()
}

/// `@unchecked Sendable`: a thread makes its own and shows it to no other.
final class ScratchBox: @unchecked Sendable {
    let scratch = Scratch()
}

extension ThreadSpecificVariable<ScratchBox> {
    fileprivate var scratch: Scratch {
        if let box = currentValue { return box.scratch }
        let box = ScratchBox()
        currentValue = box
        return box.scratch
    }
}
