import ArgumentParser
import Cluster
import Glibc
import Logging
import Metrics
import Nodes
import ServiceLifecycle

/// One node of a cluster, as a process.
@main
struct Rookeryd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rookeryd",
        abstract: "One node of a Rookery cluster.",
        discussion: """
            Usually started by `rookery cluster up`. Logs JSON lines to standard error; SIGTERM or SIGINT finish what \
            runs and stop it. It ends with status 1 when it cannot start or when the disk fails.
            """,
        version: "0.1.0")

    @Option(help: "The cluster's configuration file.")
    var config = "cluster.yaml"

    @Option(help: "Which node of the configuration this is.")
    var node: String

    @Option(help: "The directory that holds this node's data; created when it is not there.")
    var data: String

    @Option(help: "A file with the cluster's secret: at least 32 hexadecimal digits, the same for all nodes.")
    var secretFile: String

    @Option(help: "How much is logged: trace, debug, info, notice, warning, error.")
    var logLevel: Logger.Level = .info

    @Flag(help: "Also answer rookery.Test, by which clients in other languages try themselves (docs/protocol.md).")
    var testService = false

    func run() async throws {
        umask(0o077)  // password hashes and protected tweets are for this user alone
        let logLevel = logLevel
        LoggingSystem.bootstrap { label in JSONLogHandler(label: label, level: logLevel) }
        let logger = Logger(label: "rookeryd")
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        do {
            let process = try await NodeProcess.start(
                configPath: config, node: NodeId(rawValue: node), dataDirectory: data, secretPath: secretFile,
                testService: testService, registry: registry, logger: logger)
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: process, successTerminationBehavior: .gracefullyShutdownGroup)],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
        } catch {
            logger.critical("cannot run", metadata: ["error": "\(error)"])
            throw ExitCode(1)
        }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
