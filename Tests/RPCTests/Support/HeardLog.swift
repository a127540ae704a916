import Logging
import NIOPosix

@testable import RPC

/// A log that hands on the reasons it is given.
struct HeardLog: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    private let reasons: AsyncStream<String>.Continuation

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if let reason = event.metadata?["reason"] { reasons.yield(reason.description) }
    }

    /// Starts a server, has the story call at its port, and returns why the server refused the first connection.
    static func refusal<Held>(
        over transport: any Transport, _ story: (Int) async throws -> Held
    ) async throws -> String? {
        let (heard, reasons) = AsyncStream.makeStream(of: String.self)
        let server = Server(
            configuration: Stage.configuration(), methods: .make(), transport: transport,
            group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test") { _ in HeardLog(reasons) })
        let held = try await story(server.start(host: "127.0.0.1", port: 0))
        let first = await heard.first { _ in true }
        withExtendedLifetime(held) {}
        await server.abort()
        return first
    }

    private init(_ reasons: AsyncStream<String>.Continuation) {
        self.reasons = reasons
    }
}
