import Messages
import NIOCore
import RPC

/// Streams that bring messages as fast as they are read.
enum StreamLoad {
    /// One call's messages; then the next call is made.
    private static let messagesACall = 5000

    static func run(_ load: Load) async throws -> Figures {
        let channels = try await load.channels()
        let start = ContinuousClock.now
        let end = start + .seconds(load.seconds)
        let counts = try await withThrowingTaskGroup(of: (messages: Int, bytes: Int).self) { group in
            for channel in channels {
                let executor = channel.executor
                for _ in 0..<load.inFlight {
                    group.addTask(executorPreference: executor) { try await read(channel, load, until: end) }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        var figures = Figures()
        figures.ops = counts.reduce(0) { $0 + $1.messages }
        figures.ops_per_s = Double(figures.ops) / seconds
        figures.bytes_per_s = Double(counts.reduce(0) { $0 + $1.bytes }) / seconds
        for channel in channels { await channel.close() }
        return figures
    }

    private static func read(
        _ channel: RPC.Channel, _ load: Load, until end: ContinuousClock.Instant
    ) async throws -> (messages: Int, bytes: Int) {
        let request = TestRequest.with {
            $0.sizes = [UInt32](repeating: UInt32(load.bytes), count: messagesACall)
            $0.compression = 2
        }.encode()
        var (messages, bytes) = (0, 0)
        while ContinuousClock.now < end {
            let call = channel.serverStreaming("rookery.Test/Download", request)
            while ContinuousClock.now < end, let message = try await call.next() {
                messages += 1
                bytes += message.count
            }
        }
        return (messages, bytes)
    }
}
