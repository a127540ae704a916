import Glibc

/// Files that only their owner may read: sessions, secrets, process records. All writes replace the whole file at
/// once, so a reader sees the old content or the new, also after a crash.
public enum PrivateFile {
    /// Why a file could not be read or written.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public var path: String
        public var action: String
        /// `errno`
        public var code: Int32

        public init(path: String, action: String, code: Int32) {
            self.path = path
            self.action = action
            self.code = code
        }

        /// Another process holds the lock that was asked for.
        var isHeldElsewhere: Bool { action == "lock" && code == EWOULDBLOCK }

        public var description: String { "cannot \(action) \(path): \(String(cString: strerror(code)))" }
    }

    /// The file's bytes, nil when there is none.
    public static func read(_ path: String) throws(Failure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Failure(path: path, action: "read", code: errno)
        }
        defer { close(descriptor) }
        return try readAll(descriptor, path: path)
    }

    /// Replaces the file (mode 0600), and, when `synced`, returns only after it and its name are on disk.
    public static func write(_ bytes: [UInt8], to path: String, synced: Bool = false) throws(Failure) {
        // The process id keeps two writers' temporary files apart; the rename decides who comes last.
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(path: temporary, action: "create", code: errno) }
        do {
            defer { close(descriptor) }
            try writeAll(bytes, descriptor, path: temporary)
            if synced, fsync(descriptor) != 0 { throw Failure(path: temporary, action: "sync", code: errno) }
        }
        guard rename(temporary, path) == 0 else { throw Failure(path: path, action: "write", code: errno) }
        if synced { try syncDirectory(of: path) }
    }

    /// Makes the directory and what is missing above it, each mode 0700.
    public static func makeDirectory(_ path: String) throws(Failure) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw Failure(path: path, action: "make directory", code: errno)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw Failure(path: path, action: "make directory", code: errno)
        }
    }

    /// Removes the file; its absence is fine.
    public static func remove(_ path: String) throws(Failure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw Failure(path: path, action: "remove", code: errno) }
    }

    private static func readAll(_ descriptor: Int32, path: String) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count > 0 {
                bytes.append(contentsOf: chunk[..<count])
            } else if count == 0 {
                return bytes
            } else if errno != EINTR {
                throw Failure(path: path, action: "read", code: errno)
            }
        }
    }

    private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32, path: String) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw Failure(path: path, action: "write", code: errno)
            }
        }
    }

    private static func syncDirectory(of path: String) throws(Failure) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: directory, action: "open", code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure(path: directory, action: "sync", code: errno) }
    }
}

extension PrivateFile {
    /// An exclusive lock between processes, on a file that stays; it goes with the process at the latest.
    public struct Lock: Sendable {
        private let descriptor: Int32

        /// - Parameter orFail: throws when another process holds it, instead of waiting.
        public init(_ directory: String, name: String, orFail: Bool = false) throws(Failure) {
            try PrivateFile.makeDirectory(directory)
            let path = "\(directory)/\(name)"
            descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw Failure(path: path, action: "create", code: errno) }
            while flock(descriptor, LOCK_EX | (orFail ? LOCK_NB : 0)) != 0 {
                guard errno == EINTR else {
                    let code = errno
                    close(descriptor)
                    throw Failure(path: path, action: "lock", code: code)
                }
            }
        }

        /// Once.
        public func release() {
            close(descriptor)
        }
    }
}
