import Client
import Cluster

extension LocalCluster {
    /// A stretch of a node's log, from this byte on.
    /// - Returns: its bytes (at most 1 MiB), and where to go on; no bytes when there is nothing more yet.
    public func readLog(of node: String, from offset: Int) throws -> (bytes: [UInt8], next: Int) {
        let bytes = try NodeLog(path: directory.log(of: try info(node).id)).read(from: offset)
        return (bytes, offset + bytes.count)
    }

    /// Hands on what the node writes to its log from now on, until the task is cancelled.
    public func followLog(of node: String, from offset: Int, _ body: ([UInt8]) throws -> Void) async throws {
        var offset = offset
        while true {
            let (bytes, next) = try readLog(of: node, from: offset)
            if bytes.isEmpty {
                try await environment.sleep(.milliseconds(100))
            } else {
                try body(bytes)
            }
            offset = next
        }
    }
}
