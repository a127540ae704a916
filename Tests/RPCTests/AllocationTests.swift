import Foundation
import NIOPosix
import Testing

@testable import RPC

/// What a unary call costs the server's heap, counted in a server process of its own.
@Suite(.timeLimit(.minutes(2))) struct AllocationTests {
    struct Scenario: CustomTestStringConvertible {
        var name: String
        /// Of the test service.
        var method: String
        var connections: Int
        var inFlight: Int
        /// Counted together.
        var calls: Int

        var testDescription: String { name }
    }

    /// How the server was built. The build of the tests makes a debug one; `Scripts/allocations.sh` names another.
    enum Build: Int, CustomTestStringConvertible {
        case release = 1
        case debug = 2

        static let present: [Build] = releaseServer == nil ? [.debug] : [.debug, .release]
        static let releaseServer = ProcessInfo.processInfo.environment["ROOKERY_RELEASE_SERVER"]

        var server: URL { self == .release ? URL(fileURLWithPath: Self.releaseServer ?? "") : ServerProcess.program }
        var testDescription: String { "\(self)" }
    }

    private static let scenarios = [
        Scenario(name: "in-place-one-at-a-time", method: "Echo", connections: 1, inFlight: 1, calls: 2_000),
        Scenario(name: "in-place-many-in-flight", method: "Echo", connections: 8, inFlight: 64, calls: 10_000),
        Scenario(name: "task-one-at-a-time", method: "Unary", connections: 1, inFlight: 1, calls: 2_000),
        Scenario(name: "task-many-in-flight", method: "Unary", connections: 8, inFlight: 64, calls: 10_000),
    ]

    private static let thresholdsPath = "Tests/RPCTests/Thresholds/allocations.txt"
    /// Who grows keeps something of each call; a timer, or a list that found its length late, is not that.
    private static let callsABlock = 20
    private static let mostGrownBytesACall = 8

    /// An `Echo`, or a `TestRequest`, with a payload of 30 bytes.
    private static let message: [UInt8] = [0x0A, 30] + (1...30)

    @Test(arguments: Build.present, scenarios) func a_call_allocates_no_more_than_allowed_and_keeps_nothing(
        _ build: Build, _ scenario: Scenario
    ) async throws {
        let threshold = try Self.threshold(scenario.name, build)
        let counter = try AllocationCounter()
        let server = try await ServerProcess(build.server, environment: counter.variables)
        let channels = (0..<scenario.connections).map { _ in Self.channel(to: server) }
        let callers = channels.map {
            CallsInPlace($0, method: "rookery.Test/\(scenario.method)", message: Self.message)
        }
        // Until all buffers have their size.
        try await Self.run(scenario, callers)
        let before = try counter.read()
        try await Self.run(scenario, callers)
        let between = try counter.read()
        try await Self.run(scenario, callers)
        let after = try counter.read()

        for (from, to) in [(before, between), (between, after)] {
            let aCall = Double(to.allocations - from.allocations) / Double(scenario.calls)
            #expect(
                aCall <= threshold,
                "\(scenario.name), \(build): \(aCall) allocations a call; \(Self.thresholdsPath) allows \(threshold)")
        }
        let (blocks, bytes) = (after.liveBlocks - between.liveBlocks, after.liveBytes - between.liveBytes)
        #expect(
            blocks <= scenario.calls / Self.callsABlock && bytes <= scenario.calls * Self.mostGrownBytesACall,
            "\(scenario.name), \(build): growing: \(blocks) blocks and \(bytes) bytes more after \(scenario.calls) calls"
        )
        for channel in channels { await channel.close() }
        try server.end()
    }

    /// All calls, and one more on each connection: behind its answer nothing of the others is under way.
    private static func run(_ scenario: Scenario, _ callers: [CallsInPlace]) async throws {
        for (count, inFlight) in [(scenario.calls / callers.count, scenario.inFlight), (1, 1)] {
            try await withThrowingTaskGroup { group in
                for caller in callers { group.addTask { try await caller.run(count, inFlight: inFlight) } }
                try await group.waitForAll()
            }
        }
    }

    private static func channel(to server: ServerProcess) -> RPC.Channel {
        RPC.Channel(
            host: "127.0.0.1", port: server.port, configuration: ChannelConfiguration(clusterId: "nest"),
            transport: TCPTransport(group: MultiThreadedEventLoopGroup.singleton),
            group: MultiThreadedEventLoopGroup.singleton, logger: Stage.quiet)
    }

    private static func threshold(_ name: String, _ build: Build) throws -> Double {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Thresholds/allocations.txt")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: " ")
        }
        let line = try #require(lines.first { $0.first == name[...] }, "\(name) is not in \(thresholdsPath)")
        try #require(line.count == 3, "\(name) has not two figures in \(thresholdsPath)")
        return try #require(Double(line[build.rawValue]), "\(name): what is no number in \(thresholdsPath)?")
    }
}
