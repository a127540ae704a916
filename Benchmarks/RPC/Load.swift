import Foundation
import Histogram
import Messages
import NIOCore
import NIOPosix
import RPC

/// What to put on the server at `port`.
struct Load: Sendable {
    var port: Int
    var connections: Int
    var inFlight: Int
    /// Of a message, encoded.
    var bytes: Int
    var rate: Int
    var seconds: Double
    var group: MultiThreadedEventLoopGroup

    /// Open channels: a call was answered on each.
    func channels() async throws -> [RPC.Channel] {
        let transport = TCPTransport(group: group)
        var channels: [RPC.Channel] = []
        for _ in 0..<connections {
            let channel = RPC.Channel(
                host: "127.0.0.1", port: port,
                configuration: ChannelConfiguration(clusterId: RPCBench.clusterId, backoff: .local),
                transport: transport, group: group, logger: RPCBench.quiet)
            _ = try await channel.unary("rookery.Test/Echo", [], options: CallOptions(timeout: .seconds(5)))
            channels.append(channel)
        }
        return channels
    }

    /// A payload that makes an encoded `Echo` of `bytes`, and does not compress.
    var payload: [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var payload = (0..<bytes - 2).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        while Echo.with({ $0.payload = payload }).encode().count > bytes { payload.removeLast() }
        return payload
    }
}

/// What came of it; as Scripts/bench_rpc.py reads it.
struct Figures: Encodable {
    var ops = 0
    var ops_per_s = 0.0
    var p50_us = 0.0
    var p99_us = 0.0
    var p999_us = 0.0
    var errors = 0
    var backlog = 0.0
    var bytes_per_s = 0.0

    mutating func set(_ latencies: Histogram<UInt64>) {
        p50_us = Double(latencies.valueAtPercentile(50)) / 1000
        p99_us = Double(latencies.valueAtPercentile(99)) / 1000
        p999_us = Double(latencies.valueAtPercentile(99.9)) / 1000
    }

    func json() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
}

/// Latencies in nanoseconds, up to a minute, to two digits.
func newHistogram() -> Histogram<UInt64> {
    Histogram<UInt64>(
        lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .two)
}
