import Client
import Cluster
import Glibc

/// What the launcher keeps: `DIR/cluster` (whose data it is), `secret`, `run/NODE.json` (processes), `logs/NODE.log`,
/// and a directory of data a node.
struct DataDirectory: Sendable {
    let path: String

    var secretFile: String { path + "/secret" }
    private var clusterFile: String { path + "/cluster" }

    func data(of node: NodeId) -> String { "\(path)/\(node)" }
    func log(of node: NodeId) -> String { "\(path)/logs/\(node).log" }
    private func process(of node: NodeId) -> String { "\(path)/run/\(node).json" }

    /// Makes the directory this cluster's, or says that it is another's.
    func claim(clusterId: String) throws {
        try PrivateFile.makeDirectory(path)
        try check(clusterId: clusterId)
        try PrivateFile.makeDirectory(path + "/run")
        try PrivateFile.makeDirectory(path + "/logs")
        if try PrivateFile.read(clusterFile) == nil {
            try PrivateFile.write(Array((clusterId + "\n").utf8), to: clusterFile, synced: true)
        }
    }

    /// Throws when the directory holds another cluster's data.
    func check(clusterId: String) throws {
        guard let bytes = try PrivateFile.read(clusterFile) else { return }
        let owner = String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined()
        guard owner == clusterId else {
            throw LocalClusterError.foreignData(directory: path, cluster: owner, expected: clusterId)
        }
    }

    /// The cluster's secret: made once, 32 random bytes as hexadecimal digits.
    func makeSecret(_ environment: Environment) throws {
        guard try PrivateFile.read(secretFile) == nil else { return }
        let digits = Array("0123456789abcdef".utf8)
        let text = environment.randomBytes(32).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        try PrivateFile.write(text + [UInt8(ascii: "\n")], to: secretFile, synced: true)
    }

    func identity(of node: NodeId) throws -> ProcessIdentity? {
        guard let bytes = try PrivateFile.read(process(of: node)) else { return nil }
        // A record that cannot be read names no process that may be signalled.
        return try? JSONText.decode(ProcessIdentity.self, from: bytes)
    }

    func setIdentity(_ identity: ProcessIdentity?, of node: NodeId) throws {
        guard let identity else { return try PrivateFile.remove(process(of: node)) }
        try PrivateFile.write(Array(try JSONText.encode(identity).utf8), to: process(of: node))
    }

    /// Runs the body while no other launcher changes this cluster.
    func locked<Result>(_ body: () async throws -> Result) async throws -> Result {
        try PrivateFile.makeDirectory(path)
        let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw PrivateFile.Failure(path: path + "/lock", action: "open", code: errno)
        }
        // Closing gives the lock back, also when the process is killed.
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw LocalClusterError.busy(directory: path) }
        return try await body()
    }
}
