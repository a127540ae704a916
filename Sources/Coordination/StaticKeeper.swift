import Cluster
import Foundation
import Glibc

/// Who keeps a cluster's configuration and hands out epochs (rules B1, C8).
public protocol Keeper: Sendable {
    /// The map as the keeper knows it.
    func clusterMap() throws -> ClusterMap

    /// A new epoch for everything this node leads, above every epoch it was given before. Durable before it returns.
    func nextEpoch() throws -> UInt64
}

/// The keeper of a cluster with one replica: the map is what the ring makes of `cluster.yaml`, for ever; the epoch is
/// a number in a file of the node's own, one higher at each start.
public struct StaticKeeper: Keeper {
    public enum Failure: Error, CustomStringConvertible {
        case unreadable(path: String, reason: String)

        public var description: String {
            switch self {
            case .unreadable(let path, let reason): "\(path): the keeper's epoch cannot be read or written: \(reason)"
            }
        }
    }

    private let config: ClusterConfig
    private let path: String

    /// - Parameter directory: of this node's data.
    public init(config: ClusterConfig, directory: String) {
        self.config = config
        path = directory + "/EPOCH"
    }

    public func clusterMap() throws -> ClusterMap { try config.initialMap() }

    public func nextEpoch() throws -> UInt64 {
        let next = try lastEpoch() + 1
        try write(next)
        return next
    }

    private func lastEpoch() throws -> UInt64 {
        guard FileManager.default.fileExists(atPath: path) else { return 0 }
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw Failure.unreadable(path: path, reason: "\(error)")
        }
        guard let epoch = UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Failure.unreadable(path: path, reason: "it holds no number")
        }
        return epoch
    }

    /// Written beside, synced, renamed, and the directory synced: after a crash it is the old number or the new one.
    private func write(_ epoch: UInt64) throws {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure() }
        let text = Array("\(epoch)\n".utf8)
        let isWritten = text.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } == text.count
        let isSynced = isWritten && fsync(file) == 0
        let reason = failure()
        close(file)
        guard isSynced else { throw reason }
        guard rename(temporary, path) == 0 else { throw failure() }
        let directory = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure() }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure() }
    }

    private func failure() -> Failure {
        .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
}
