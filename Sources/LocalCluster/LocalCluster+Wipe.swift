import Client
import Cluster
import FoundationEssentials

extension LocalCluster {
    /// Removes the cluster's data, logs and secret. Refuses while a node runs, and to touch another cluster's data.
    public func wipe() async throws {
        try directory.check(clusterId: config.clusterId)
        try await directory.locked {
            for node in config.nodes {
                switch try state(of: node.id) {
                case .stopped: break
                case .running(let pid), .paused(let pid): throw LocalClusterError.stillRunning(node.id, pid: pid)
                }
            }
            for node in config.nodes { try remove(directory.data(of: node.id)) }
            // The directory's owner goes last: until then what is left is still known as this cluster's.
            for name in ["run", "logs", "secret", "cluster", "lock"] { try remove("\(directory.path)/\(name)") }
        }
        try removeDirectoryIfEmpty()
    }

    private func remove(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        try FileManager.default.removeItem(atPath: path)
    }

    private func removeDirectoryIfEmpty() throws {
        let rest = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        if rest.isEmpty { try remove(directory.path) }
    }
}
