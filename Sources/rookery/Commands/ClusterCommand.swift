import ArgumentParser
import Client
import Cluster
import Glibc
import LocalCluster

struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Start, stop and look at a cluster on this machine.",
        subcommands: [
            Up.self, Down.self, Status.self, Logs.self, Kill.self, Pause.self, Resume.self, Restart.self, Wipe.self,
            Certificates.self, Health.self, Methods.self, Connections.self,
        ])

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Start the nodes; returns when every node serves.")
        @OptionGroup var common: CommonOptions

        func run() async throws { try await common.withCluster { try await $0.up(report: $1) } }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop the nodes; what they stored stays.")
        @OptionGroup var common: CommonOptions

        func run() async throws { try await common.withCluster { try await $0.down(report: $1) } }
    }

    struct Kill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a node at once, as a crash would.")
        @OptionGroup var common: CommonOptions
        @Argument var node: String

        func run() async throws {
            try await common.withCluster { cluster, report in
                try await cluster.kill(node)
                report("\(node) killed")
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop a node where it is, as a hang would.")
        @OptionGroup var common: CommonOptions
        @Argument var node: String

        func run() async throws {
            try await common.withCluster { cluster, report in
                try cluster.pause(node)
                report("\(node) paused")
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a paused node go on.")
        @OptionGroup var common: CommonOptions
        @Argument var node: String

        func run() async throws {
            try await common.withCluster { cluster, report in
                try cluster.resume(node)
                report("\(node) goes on")
            }
        }
    }

    struct Restart: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop a node and start it; returns when it serves.")
        @OptionGroup var common: CommonOptions
        @Argument var node: String

        func run() async throws {
            try await common.withCluster { try await $0.restart(node, report: $1) }
        }
    }

    struct Wipe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove all that the nodes stored. Refused while one runs.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await common.withCluster { cluster, report in
                try await cluster.wipe()
                report("the cluster's data is gone")
            }
        }
    }
}

extension CommonOptions {
    func localCluster() throws -> LocalCluster {
        LocalCluster(
            config: try loadConfig(), configPath: config, dataDirectory: data, executable: try Self.rookeryd())
    }

    /// Runs the body on the local cluster; its words go to standard output, or with `--json` the cluster's status.
    fileprivate func withCluster(_ body: (LocalCluster, @escaping LocalCluster.Report) async throws -> Void)
        async throws
    {
        let cluster = try localCluster()
        let quiet = json
        try await body(cluster) { line in if !quiet { Terminal.writeLine(line) } }
        if json { Terminal.writeLine(try JSONText.encode(try await cluster.status())) }
    }

    /// `ROOKERYD`, else the one beside this executable.
    private static func rookeryd() throws -> String {
        if let path = Variables.process["ROOKERYD"], !path.isEmpty { return path }
        guard let own = LocalCluster.ownExecutable, let slash = own.lastIndex(of: "/") else {
            throw UsageFailure("set ROOKERYD to the path of rookeryd")
        }
        return own[...slash] + "rookeryd"
    }
}
