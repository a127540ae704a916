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

    /// The process that was started as this node; nil when there is none.
    /// - Throws: `LocalClusterError.dataInUse` when the record cannot be read, and the node's data is in use.
    func identity(of node: NodeId) throws -> ProcessIdentity? {
        guard let bytes = try PrivateFile.read(process(of: node)) else { return nil }
        do {
            return try JSONText.decode(ProcessIdentity.self, from: bytes)
        } catch {
            // A power cut may leave a record without words; then no process is left, either, and nobody holds the lock.
            _ = try NodeLock(node, data: data(of: node))
            return nil
        }
    }

    /// The nodes of which a process was recorded, whether the configuration knows them or not.
    func recordedNodes() -> [NodeId] {
        ProcFS.names(in: path + "/run").filter { $0.hasSuffix(".json") }.sorted().map { NodeId(String($0.dropLast(5))) }
    }

    /// The nodes of this cluster whose data lies here, by their `FORMAT`.
    func storedNodes(clusterId: String) throws -> [NodeId] {
        try ProcFS.names(in: path).sorted().filter { name in
            let format = try PrivateFile.read("\(path)/\(name)/FORMAT") ?? []
            let lines = String(decoding: format, as: UTF8.self).split(separator: "\n")
            return lines.contains("cluster \(clusterId)") && lines.contains("node \(name)")
        }.map { NodeId($0) }
    }

    func setIdentity(_ identity: ProcessIdentity?, of node: NodeId) throws {
        guard let identity else { return try PrivateFile.remove(process(of: node)) }
        try PrivateFile.write(Array(try JSONText.encode(identity).utf8), to: process(of: node))
    }

    /// Runs the body while no other launcher changes this cluster.
    func locked<Result>(_ body: () async throws -> Result) async throws -> Result {
        let descriptor = try lock()
        // Closing gives the lock back, also when the process is killed.
        defer { close(descriptor) }
        return try await body()
    }

    private func lock() throws -> Int32 {
        while true {
            try PrivateFile.makeDirectory(path)
            let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                // The last step of a wipe may have taken the directory meanwhile.
                if errno == ENOENT { continue }
                throw PrivateFile.Failure(path: path + "/lock", action: "open", code: errno)
            }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                throw LocalClusterError.busy(directory: path)
            }
            // A wipe removes the file while it holds the lock: locked is who locked the file that has the name.
            if isLockFile(descriptor) { return descriptor }
            close(descriptor)
        }
    }

    private func isLockFile(_ descriptor: Int32) -> Bool {
        var (mine, named) = (stat(), stat())
        return fstat(descriptor, &mine) == 0 && stat(path + "/lock", &named) == 0 && mine.st_ino == named.st_ino
            && mine.st_dev == named.st_dev
    }
}
