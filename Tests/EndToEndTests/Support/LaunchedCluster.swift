import Cluster
import Foundation
import Testing

/// A cluster of launched processes on free ports, in a directory of its own, used through the command line.
struct LaunchedCluster: Sendable {
    let playground: Playground
    let config: ClusterConfig
    let variables: [String: String]

    /// The cluster's files, apart from those of the commands.
    var path: String { playground.path + "/disk" }
    var configPath: String { path + "/cluster.yaml" }
    /// The launcher's directory; nodes keep their data below it.
    var data: String { path + "/data" }
    var state: String { path + "/state" }

    /// - Parameter variables: the environment of every command, and so of the nodes.
    init(sync: Bool = true, in playground: Playground? = nil, variables: [String: String] = [:]) throws {
        let playground = try playground ?? Playground()
        self.playground = playground
        let text = Self.yaml(ports: try Playground.freePorts(3), sync: sync)
        let disk = playground.path + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        config = try ClusterConfig.parse(text, file: try playground.write(text, to: "disk/cluster.yaml"))
        let own = ["XDG_STATE_HOME": disk + "/state", "ROOKERY_PASSWORD": "correct horse"]
        self.variables = own.merging(variables) { $1 }
    }

    private static func yaml(ports: [Int], sync: Bool) -> String {
        let nodes = ports.enumerated().map { index, port in
            "  - {id: n\(index + 1), address: \"127.0.0.1:\(port)\", region: local, zone: a}\n"
        }
        return "cluster: e2e\npartitions: 16\nreplicas: 1\nkeeper: static\nnodes:\n" + nodes.joined()
            + "storage:\n  sync: \(sync)\n"
    }

    func address(_ node: String) -> String { config.node(NodeId(node))?.address.description ?? "" }

    /// The node that owns what has this id.
    func owner(of id: String) throws -> String {
        guard let id = Id(id), let node = try config.initialMap().owner(of: id.partition) else {
            throw Unexpected("\(id) is no id")
        }
        return node.id.rawValue
    }

    /// Runs `rookery` with this cluster's configuration.
    func rookery(
        _ arguments: [String], input: String = "", variables: [String: String] = [:], limit: Duration = .seconds(60),
        started: (Int32) -> Void = { _ in }
    ) async throws -> Outcome {
        try await Program.run(
            Program.rookery, arguments + ["--config", configPath, "--data", data], input: input,
            variables: self.variables.merging(variables) { $1 }, in: playground.path, limit: limit, started: started)
    }

    /// A command that is done: its document, and nothing else was said.
    @discardableResult func ask(_ arguments: String..., input: String = "") async throws -> JSON {
        let outcome = try await rookery(arguments + ["--json"], input: input)
        let isOneLine = outcome.output.hasSuffix("\n") && outcome.output.dropLast().allSatisfy { !$0.isNewline }
        guard outcome.status == 0, isOneLine, outcome.error.isEmpty else { throw Unexpected(outcome.description) }
        return try JSON(outcome.output)
    }

    /// A command that is refused: exit status 1, one line on standard error that names no more than it must, and the
    /// same with `--json` as a document there. Returns its status and message.
    func refusal(
        _ arguments: String..., input: String = "", variables: [String: String] = [:]
    ) async throws -> (status: String, message: String) {
        let plain = try await rookery(arguments, input: input, variables: variables)
        let formal = try await rookery(arguments + ["--json"], input: input, variables: variables)
        for outcome in [plain, formal] {
            let lines = outcome.error.split(separator: "\n", omittingEmptySubsequences: false)
            guard outcome.status == 1, outcome.output.isEmpty, lines.count == 2, lines[1].isEmpty else {
                throw Unexpected(outcome.description)
            }
        }
        let error = try JSON(formal.error)
        let body = error["error"]
        guard plain.error.hasPrefix("rookery: "), error.names == ["error"], body.names == ["status", "message"],
            let status = body["status"].text, let message = body["message"].text
        else { throw Unexpected(formal.description) }
        return (status, message)
    }

    /// Wrong usage: exit status 64, words on standard error, nothing on standard output. Returns the words.
    func misuse(_ arguments: String..., variables: [String: String] = [:]) async throws -> String {
        let outcome = try await rookery(arguments, variables: variables)
        guard outcome.status == 64, outcome.output.isEmpty, !outcome.error.isEmpty else {
            throw Unexpected(outcome.description)
        }
        return outcome.error
    }

    func up() async throws { try await ask("cluster", "up") }

    /// Runs the body on a running cluster, and ends it as an operator would.
    func whileUp(_ body: () async throws -> Void) async throws {
        try await up()
        try await body()
        try await ask("cluster", "down")
    }

    /// A lock on this file, as another command of this project would hold it; it goes with the handle.
    func holding(_ file: String) throws -> FileHandle {
        let url = URL(fileURLWithPath: file)
        let directory = url.deletingLastPathComponent()
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data().write(to: url)
        let handle = try FileHandle(forUpdating: url)
        guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else { throw Unexpected("\(file) is locked") }
        return handle
    }

    /// The process of each node that has one.
    func processes() async throws -> [String: Int32] {
        let rows = try await ask("cluster", "status")["nodes"].list
        let pairs = rows.compactMap { row in
            row["id"].text.flatMap { id in row["pid"].number.map { (id, Int32($0)) } }
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    /// kill -9 of all the nodes' processes, as near to one moment as may be.
    func killAll(_ processes: some Collection<Int32>) async throws {
        for process in processes { kill(process, SIGKILL) }
        try await eventually("the nodes are dead") { processes.allSatisfy { !isAlive($0) } }
    }

    /// Settled when nothing is on its way between partitions: then counts and lists agree everywhere.
    func settle() async throws {
        try await eventually("no backlog") {
            let nodes = try await ask("cluster", "status")["nodes"].list
            return nodes.allSatisfy { $0["backlog"].number == 0 }
        }
    }
}

/// All of this target's tests, one after the other: they share two things that there is only one of, the processor's
/// cores and the ports.
@Suite(.serialized) struct EndToEndTests {}
