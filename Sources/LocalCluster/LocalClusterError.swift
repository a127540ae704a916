import Cluster

/// Why the launcher could not do what it was asked; each is one sentence.
public enum LocalClusterError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownNode(String, known: [String])
    /// The data directory holds another cluster's data.
    case foreignData(directory: String, cluster: String, expected: String)
    case portTaken(node: NodeId, address: Address, pid: Int32?)
    case noExecutable(String)
    case spawnFailed(node: NodeId, reason: String)
    case exitedAtStart(node: NodeId, reason: String, log: String)
    case notReady(node: NodeId, seconds: Int, reason: String)
    case notRunning(NodeId)
    case stillRunning(NodeId, pid: Int32)
    /// A process of which the launcher has no record uses the node's data; its id, if it said it.
    case dataInUse(NodeId, data: String, pid: Int32?)
    /// Another launcher is at work in the same data directory.
    case busy(directory: String)
    case signalFailed(NodeId, pid: Int32, reason: String)
    /// A certificate or key would be overwritten.
    case certificateThere(String)
    /// A CA that cannot sign for this cluster.
    case wrongAuthority(String)
    case authorityExpired(String)

    public var description: String {
        switch self {
        case .unknownNode(let id, let known):
            "there is no node \(id): the cluster has \(known.joined(separator: ", "))"
        case .foreignData(let directory, let cluster, let expected):
            "\(directory) holds the data of cluster \(cluster), not of \(expected): choose another --data directory"
        case .portTaken(let node, let address, let pid):
            "cannot start \(node): its address \(address) is taken by "
                + (pid.map { "process \($0)" } ?? "another process")
        case .noExecutable(let path): "there is no rookeryd at \(path): set ROOKERYD to its path"
        case .spawnFailed(let node, let reason): "cannot start \(node): \(reason)"
        case .exitedAtStart(let node, let reason, let log): "\(node) ended at its start: \(reason) (log: \(log))"
        case .notReady(let node, let seconds, let reason): "\(node) does not serve after \(seconds) s: \(reason)"
        case .notRunning(let node): "\(node) is not running"
        case .stillRunning(let node, let pid): "\(node) is still running (pid \(pid)): stop the cluster first"
        case .dataInUse(let node, let data, let pid):
            "\(data) is used by \(pid.map { "process \($0)" } ?? "another process"), of which there is no record as "
                + "\(node): stop it first"
        case .busy(let directory): "another rookery command is changing the cluster in \(directory)"
        case .signalFailed(let node, let pid, let reason): "cannot signal \(node) (pid \(pid)): \(reason)"
        case .certificateThere(let file):
            "\(file) is there already: --force renews the nodes' certificates and keeps the CA"
        case .wrongAuthority(let file):
            "\(file) and its key are not a development CA of this cluster: choose another --out"
        case .authorityExpired(let file): "the CA \(file) has expired: remove it and its key to make a new one"
        }
    }
}
