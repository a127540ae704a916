import Glibc

/// A node's directory: whose it is, in which format, and that only one process uses it.
///
/// `FORMAT` holds readable lines, written when the directory is made or first opened by a newer build (rule G3):
///
///     rookery-data 2
///     cluster my-cluster
///     node n1
///
/// `LOCK` is locked (flock) while the value lives and names the process; `store` is RocksDB's.
public final class DataDirectory: Sendable {
    /// The newest format this build reads, and the one it makes. Since 2 a log entry that remembers requests writes no
    /// applied index (docs/decisions/0016); a build that knows only 1 would apply it once more.
    public static let format: UInt64 = 2

    public let path: String
    /// Whether this call made it: an empty node.
    public let isNew: Bool
    private let lockFile: Int32

    /// Where `RocksStore` opens.
    public var storePath: String { path + "/store" }

    /// Opens the directory, or makes it and its parents. Throws `StorageError`: `.unwritable`, `.locked`,
    /// `.newerFormat`, `.foreign`, or `.corrupt` when its `FORMAT` cannot be read or is missing beside a store.
    /// The ids are without line breaks.
    public init(path: String, clusterId: String, nodeId: String) throws {
        precondition(!(clusterId + nodeId).contains(where: \.isNewline), "an id with a line break")
        self.path = path
        lockFile = try Self.lock(path)
        do {
            isNew = try Self.settle(path, Identity(clusterId: clusterId, nodeId: nodeId))
        } catch {
            Glibc.close(lockFile)
            throw error
        }
    }

    deinit { Glibc.close(lockFile) }

    private static func lock(_ path: String) throws -> Int32 {
        try namingUnwritable(path) { () throws(FileOperation.Failure) in try FileOperation.makeDirectories(path) }
        let file = open(path + "/LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw unwritable(path, FileOperation.Failure(code: errno)) }
        do {
            try claim(file, path)
        } catch {
            Glibc.close(file)
            throw error
        }
        return file
    }

    private static func claim(_ file: Int32, _ path: String) throws {
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw unwritable(path, FileOperation.Failure(code: errno)) }
            throw StorageError.locked(path: path, holder: holder(file))
        }
        guard ftruncate(file, 0) == 0 else { throw unwritable(path, FileOperation.Failure(code: errno)) }
        try namingUnwritable(path) { () throws(FileOperation.Failure) in
            try FileOperation.writeAll(Array("\(getpid())\n".utf8), to: file)
        }
    }

    private static func holder(_ file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(file, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        guard let process = text.split(whereSeparator: \.isNewline).first.flatMap({ Int32($0) }) else {
            return "another process"
        }
        return "process \(process)"
    }

    /// Returns whether the directory is new.
    private static func settle(_ path: String, _ mine: Identity) throws -> Bool {
        let found = try namingUnwritable(path) { () throws(FileOperation.Failure) in
            try FileOperation.read(path + "/FORMAT", limit: Identity.maxBytes)
        }
        if let found {
            let format = try Identity.check(found, against: mine, path)
            // What an older build wrote can be read; what is written from now on it could not.
            if format < Self.format { try write(mine, path) }
            return false
        }
        if FileOperation.exists(path + "/store") {
            throw StorageError.corrupt("\(path) has a store but no FORMAT file: it was not made by a whole start")
        }
        try write(mine, path)
        return true
    }

    private static func write(_ mine: Identity, _ path: String) throws(StorageError) {
        try namingUnwritable(path) { () throws(FileOperation.Failure) in
            try FileOperation.replace(path + "/FORMAT", in: path, with: mine.lines)
        }
    }

    private static func namingUnwritable<Result>(
        _ path: String, _ body: () throws(FileOperation.Failure) -> Result
    ) throws(StorageError) -> Result {
        do {
            return try body()
        } catch {
            throw unwritable(path, error)
        }
    }

    private static func unwritable(_ path: String, _ failure: FileOperation.Failure) -> StorageError {
        .unwritable(path: path, reason: failure.description)
    }
}

/// What `FORMAT` says.
private struct Identity {
    static let maxBytes = 4096
    private static let magic = "rookery-data"

    var clusterId: String
    var nodeId: String

    var lines: [UInt8] {
        Array("\(Self.magic) \(DataDirectory.format)\ncluster \(clusterId)\nnode \(nodeId)\n".utf8)
    }

    /// The first line is read alone: what stands below it in a newer format is unknown. Returns the format.
    static func check(_ bytes: [UInt8], against mine: Identity, _ path: String) throws -> UInt64 {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = value(of: magic, lines.first), let format = UInt64(first), format > 0 else {
            throw StorageError.corrupt("\(path)/FORMAT does not begin with \"\(magic) NUMBER\"")
        }
        guard format <= DataDirectory.format else {
            throw StorageError.newerFormat(path: path, found: format, supported: DataDirectory.format)
        }
        guard lines.count >= 3, let cluster = value(of: "cluster", lines[1]), let node = value(of: "node", lines[2])
        else { throw StorageError.corrupt("\(path)/FORMAT does not name its cluster and node") }
        guard cluster == mine.clusterId else {
            throw StorageError.foreign(path: path, what: "cluster", found: cluster, expected: mine.clusterId)
        }
        guard node == mine.nodeId else {
            throw StorageError.foreign(path: path, what: "node", found: node, expected: mine.nodeId)
        }
        return format
    }

    private static func value(of name: String, _ line: Substring?) -> String? {
        guard let line, line.hasPrefix(name + " ") else { return nil }
        return String(line.dropFirst(name.count + 1))
    }
}
