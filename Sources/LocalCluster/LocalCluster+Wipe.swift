import Client
import Cluster
import FoundationEssentials
import Glibc

extension LocalCluster {
    /// Removes the cluster's data, logs and secret. Refuses while a node runs, and to touch another cluster's data.
    /// Nodes that the configuration does not name any more are looked at, and go, like the others.
    public func wipe() async throws {
        try directory.check(clusterId: config.clusterId)
        try await directory.locked {
            let nodes = Set(try everyNode() + directory.storedNodes(clusterId: config.clusterId)).sorted()
            for node in nodes {
                switch try state(of: node) {
                case .stopped: break
                case .running(let pid), .paused(let pid): throw LocalClusterError.stillRunning(node, pid: pid)
                }
            }
            // Held until all is gone: nobody starts on data that is going.
            let locks = try nodes.map { try NodeLock($0, data: directory.data(of: $0)) }
            try withExtendedLifetime(locks) {
                for node in nodes { try remove(directory.data(of: node)) }
            }
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
        // Not the files of a launcher that is at work here by now.
        guard rmdir(directory.path) == 0 || [ENOTEMPTY, EEXIST, ENOENT].contains(errno) else {
            throw PrivateFile.Failure(path: directory.path, action: "remove", code: errno)
        }
    }
}
