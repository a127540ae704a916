import Glibc

/// The few file calls a data directory needs, with their errors as sentences.
enum FileOperation {
    struct Failure: Error {
        var code: Int32
        var description: String { String(cString: strerror(code)) }
    }

    /// Nil when there is no such file.
    static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Failure(code: errno)
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = Glibc.read(file, &bytes, limit)
        guard count >= 0 else { throw Failure(code: errno) }
        return Array(bytes.prefix(count))
    }

    /// The file has all of `bytes` or is as it was, also after a power cut: a new file is synced, renamed over
    /// the old one, and the directory is synced.
    static func replace(_ path: String, in directory: String, with bytes: [UInt8]) throws(Failure) {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failure(code: errno) }
        defer { close(file) }
        try writeAll(bytes, to: file)
        try check(fsync(file))
        try check(rename(temporary, path))
        try syncDirectory(directory)
    }

    static func writeAll(_ bytes: [UInt8], to file: Int32) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure(code: errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes `path` and its parents where they are missing, each durable in its own parent.
    static func makeDirectories(_ path: String) throws(Failure) {
        if mkdir(path, 0o755) == 0 { return try syncDirectory(parent(of: path)) }
        switch errno {
        case EEXIST:
            return
        case ENOENT where path.contains("/") && parent(of: path) != path:
            try makeDirectories(parent(of: path))
            try check(mkdir(path, 0o755))
            try syncDirectory(parent(of: path))
        default:
            throw Failure(code: errno)
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func syncDirectory(_ path: String) throws(Failure) {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Failure(code: errno) }
        defer { close(directory) }
        try check(fsync(directory))
    }

    private static func parent(of path: String) -> String {
        let parts = path.split(separator: "/").dropLast()
        if path.hasPrefix("/") { return "/" + parts.joined(separator: "/") }
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }

    private static func check(_ result: Int32) throws(Failure) {
        guard result == 0 else { throw Failure(code: errno) }
    }
}
