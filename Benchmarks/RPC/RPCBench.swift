import ArgumentParser
import Logging
import NIOPosix
import RPC

/// Load on the RPC layer alone: `make bench-rpc` calls it (Scripts/bench_rpc.py says what each command must do).
@main
struct RPCBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rpc-bench",
        abstract: "Puts load on rookery.Test of a rookeryd: on the RPC layer, as nodes use it.",
        subcommands: [ClientCommand.self, IdleCommand.self, NIOServerCommand.self, NIOClientCommand.self])

    static let clusterId = "bench"

    static var quiet: Logger {
        var logger = Logger(label: "rpc-bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }
}

struct ClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "client", abstract: "Puts load on a server.")

    enum Mode: String, ExpressibleByArgument { case closed, open, stream }

    @Option var port: Int
    @Option var mode = Mode.closed
    @Option var connections = 8
    @Option var inFlight = 64
    @Option(help: "Of a message, encoded.") var bytes = 32
    @Option(help: "Calls a second, of the open loop.") var rate = 1000
    @Option var seconds = 5.0
    @Option(help: "Event loops.") var threads = 1
    @Flag(help: "One line of JSON; it is printed always.") var json = false

    func validate() throws {
        guard connections > 0, inFlight > 0, bytes > 2, rate > 0, seconds > 0 else {
            throw ValidationError("connections, calls in flight, bytes (above 2), rate and seconds are above zero")
        }
    }

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let load = Load(
            port: port, connections: connections, inFlight: inFlight, bytes: bytes, rate: rate, seconds: seconds,
            group: group)
        let figures =
            switch mode {
            case .closed: try await ClosedLoop.run(load)
            case .open: try await OpenLoop.run(load)
            case .stream: try await StreamLoad.run(load)
            }
        announce(try figures.json())
    }
}

/// A whole line, at once: whoever started this waits for it.
func announce(_ line: String) {
    print(line)
    fflush(nil)
}
