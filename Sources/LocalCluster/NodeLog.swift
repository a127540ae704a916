import Client
import Cluster
import FoundationEssentials
import Glibc

/// The log file that a node writes: JSON, one object a line.
struct NodeLog: Sendable {
    let path: String

    /// Bytes in it now.
    var size: Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : 0
    }

    /// What it says from this byte on, at most `limit` bytes.
    func read(from offset: Int, limit: Int = 1 << 20) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return [] }
            throw PrivateFile.Failure(path: path, action: "read", code: errno)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = pread(descriptor, &bytes, limit, off_t(offset))
        guard count >= 0 else { throw PrivateFile.Failure(path: path, action: "read", code: errno) }
        return Array(bytes[..<count])
    }

    /// The last error in what was written since, else its last line, for a person.
    func lastError(since offset: Int) throws -> String {
        let lines = String(decoding: try read(from: offset), as: UTF8.self).split(separator: "\n")
        let errors = lines.compactMap { line in
            // A line that is not JSON was written by something below the logger.
            try? JSONText.decode(Line.self, from: Array(line.utf8))
        }.filter { $0.level == "error" || $0.level == "critical" }
        if let error = errors.last { return error.sentence }
        return lines.last.map(String.init) ?? "it wrote nothing to its log"
    }

    private struct Line: Decodable {
        var level: String
        var message: String?
        var msg: String?
        var error: String?

        var sentence: String {
            [message ?? msg, error].compactMap { $0 }.joined(separator: ": ")
        }
    }
}
