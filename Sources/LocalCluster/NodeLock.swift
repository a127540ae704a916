import Client
import Cluster
import Glibc

/// Keeps every process from using a node's data: the lock that a running node holds on its directory's `LOCK`
/// (rule G3; `Storage.DataDirectory`). Given back when the value goes.
final class NodeLock: Sendable {
    private let descriptor: Int32

    /// Nil when the node never made its directory, so that there is nothing to use.
    /// - Throws: `LocalClusterError.dataInUse` while another process holds it.
    init?(_ node: NodeId, data: String) throws {
        let path = data + "/LOCK"
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw PrivateFile.Failure(path: path, action: "open", code: errno)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw PrivateFile.Failure(path: path, action: "lock", code: code) }
            throw LocalClusterError.dataInUse(node, data: data, pid: try Self.holder(path))
        }
    }

    deinit { close(descriptor) }

    /// As the holder wrote it down.
    private static func holder(_ path: String) throws -> Int32? {
        let text = String(decoding: try PrivateFile.read(path) ?? [], as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).first.flatMap { Int32($0) }
    }
}
